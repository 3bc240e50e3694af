// ChannelSession joins a WebSocket of kubectl (exec, attach) with the runtime's SPDY streams.
//
// On the WebSocket each message begins with the byte of its channel: 0 stdin, 1 stdout, 2 stderr,
// 3 error (how it ended, as a Status), 4 resize; with version 5 also 255, whose next byte names a
// channel that is to be closed. On SPDY each channel is a stream.
// Why: version 5 is all that newer clients offer, and containerd 1.6 does not know it.
// Lifetime: the session owns itself and both connections, and ends with either of them.
// Threads: the connections' loop, which must be the same.
// Bounds: when 256 KiB wait for one side, the other is not read. Ends after 4 hours without
//   traffic.
// Source: Kubernetes' remotecommand protocols v4.channel.k8s.io and v5.channel.k8s.io.
#pragma once

#include <memory>

#include "kubelet/cri/runtime.h"
#include "net/spdy.h"
#include "net/websocket.h"

namespace pinnace::kubelet {

void run_channels(std::unique_ptr<net::WebSocket> client, std::unique_ptr<net::SpdySession> runtime,
                  cri::StreamOptions streams, bool can_close_stdin);

}  // namespace pinnace::kubelet
