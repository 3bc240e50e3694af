// The process that holds a pod's namespaces: waits, reaps orphans, and leaves on SIGTERM or SIGINT.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static void leave(int signal_number) {
  (void)signal_number;
  _exit(0);
}

static void reap(int signal_number) {
  (void)signal_number;
  while (waitpid(-1, 0, WNOHANG) > 0) {
  }
}

int main(void) {
  struct sigaction on_leave = {.sa_handler = leave};
  struct sigaction on_child = {.sa_handler = reap, .sa_flags = SA_NOCLDSTOP};
  if (sigaction(SIGINT, &on_leave, 0) < 0 || sigaction(SIGTERM, &on_leave, 0) < 0 ||
      sigaction(SIGCHLD, &on_child, 0) < 0) {
    return 1;
  }
  for (;;) pause();
}
