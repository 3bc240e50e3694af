// A small web server for examples and tests: says hello, its version and its pod's name.
//
//   GET /          Hello World! version=1 pod=web-5d9c7
//   GET /healthz   ok, or 500 after GET /fail
//   GET /fail      makes /healthz fail from then on
//   GET /exit      ends the process with status 1
//   GET /env/NAME  the value of an environment variable, or 404
//
// Port 3000, or PORT. One connection at a time per thread, 16 threads; a request head of more than
// 4 KiB is refused. SIGTERM ends it at once.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#ifndef HELLO_VERSION
#error "HELLO_VERSION names the image's tag"
#endif

enum { kThreads = 16, kMaxHeadBytes = 4096 };

static atomic_bool failing;

static void leave(int signal_number) {
  (void)signal_number;
  _exit(0);
}

static void answer(int connection, const char* status, const char* body) {
  char text[8192];
  const int length = snprintf(text, sizeof text,
                              "HTTP/1.1 %s\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\n"
                              "Connection: close\r\n\r\n%s",
                              status, strlen(body), body);
  if (length < 0 || (size_t)length >= sizeof text) return;
  for (int sent = 0; sent < length;) {
    const ssize_t n = send(connection, text + sent, (size_t)(length - sent), MSG_NOSIGNAL);
    if (n <= 0) return;
    sent += (int)n;
  }
}

static void route(int connection, const char* path) {
  char body[4096];
  if (strcmp(path, "/healthz") == 0) {
    if (atomic_load(&failing))
      answer(connection, "500 Internal Server Error", "failing\n");
    else
      answer(connection, "200 OK", "ok\n");
  } else if (strcmp(path, "/fail") == 0) {
    atomic_store(&failing, 1);
    answer(connection, "200 OK", "failing from now on\n");
  } else if (strcmp(path, "/exit") == 0) {
    answer(connection, "200 OK", "bye\n");
    printf(
        "asked to exit\n");  // The same stream as the request's line, so that their order is kept.
    _exit(1);
  } else if (strncmp(path, "/env/", 5) == 0) {
    const char* value = getenv(path + 5);
    if (!value) {
      answer(connection, "404 Not Found", "no such variable\n");
      return;
    }
    snprintf(body, sizeof body, "%s\n", value);
    answer(connection, "200 OK", body);
  } else if (strcmp(path, "/") == 0) {
    char name[256] = "";
    gethostname(name, sizeof name - 1);
    const char* pod = getenv("POD_NAME");
    snprintf(body, sizeof body, "Hello World! version=%s pod=%s\n", HELLO_VERSION,
             pod ? pod : name);
    answer(connection, "200 OK", body);
  } else {
    answer(connection, "404 Not Found", "not found\n");
  }
}

static void serve(int connection) {
  char head[kMaxHeadBytes + 1];
  size_t size = 0;
  for (;;) {
    const ssize_t n = recv(connection, head + size, kMaxHeadBytes - size, 0);
    if (n <= 0) return;
    size += (size_t)n;
    head[size] = 0;
    if (strstr(head, "\r\n\r\n")) break;
    if (size == kMaxHeadBytes) {
      answer(connection, "431 Request Header Fields Too Large", "too large\n");
      return;
    }
  }
  char method[16], path[1024];
  if (sscanf(head, "%15s %1023s", method, path) != 2) {
    answer(connection, "400 Bad Request", "bad request\n");
    return;
  }
  printf("%s %s\n", method, path);
  route(connection, path);
}

static _Noreturn void accept_forever(int listener) {
  for (;;) {
    const int connection = accept(listener, 0, 0);
    if (connection < 0) continue;
    const struct timeval limit = {.tv_sec = 10};
    setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    serve(connection);
    shutdown(connection, SHUT_WR);
    close(connection);
  }
}

static void* thread_main(void* listener) { accept_forever((int)(long)listener); }

int main(void) {
  struct sigaction on_leave = {.sa_handler = leave};
  sigaction(SIGTERM, &on_leave, 0);
  sigaction(SIGINT, &on_leave, 0);
  setvbuf(stdout, 0, _IOLBF, 0);
  const char* port_text = getenv("PORT");
  const int port = port_text ? atoi(port_text) : 3000;
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  if (bind(listener, (const struct sockaddr*)&address, sizeof address) < 0 ||
      listen(listener, 128) < 0) {
    perror("hello: cannot listen");
    return 1;
  }
  printf("hello version %s listens on port %d\n", HELLO_VERSION, port);
  pthread_t threads[kThreads];
  for (int i = 1; i < kThreads; ++i) {
    pthread_create(&threads[i], 0, thread_main, (void*)(long)listener);
  }
  accept_forever(listener);
}
