#pragma once

#include <functional>

namespace distill::server {

/// Sends what gRPC itself has to say (handshakes that fail, above all) to our log, a few lines a
/// minute: whoever connects again and again must not fill the disk. For the whole process; the last
/// call counts.
///
/// `on_listener_lost` is called when gRPC says that it could not take a connection: 1.51 then gives
/// its listener up, for ever, and tells nobody else. It comes with locks of gRPC's held: it must
/// neither block nor call gRPC. May be empty.
void TakeOverGrpcLog(std::function<void()> on_listener_lost);

}  // namespace distill::server
