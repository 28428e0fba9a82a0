#pragma once

namespace distill::server {

/// Sends what gRPC itself has to say (handshakes that fail, above all) to our log, a few lines a
/// minute: whoever connects again and again must not fill the disk. For the whole process; calling
/// it twice is no error.
void TakeOverGrpcLog();

}  // namespace distill::server
