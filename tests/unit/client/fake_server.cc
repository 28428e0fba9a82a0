#include "tests/unit/client/fake_server.h"

#include <algorithm>

#include "core/base/crc32c.h"
#include "core/base/sha256.h"

namespace distill::client::testing {

grpc::Status FakeJobService::DownloadArtifact(
    grpc::ServerContext* /*context*/, const v1::DownloadArtifactRequest* request,
    grpc::ServerWriter<v1::DownloadArtifactResponse>* writer) {
  constexpr size_t kPieceBytes = 1000;
  const auto file = files.find(request->artifact());
  if (file == files.end() && content.empty()) {
    return {grpc::StatusCode::NOT_FOUND, "no artifact " + request->artifact()};
  }
  const std::string& bytes = file == files.end() ? content : file->second;
  download_offsets.push_back(request->offset());
  auto position = static_cast<size_t>(request->offset());
  if (position > bytes.size()) return {grpc::StatusCode::OUT_OF_RANGE, "beyond the end"};
  const bool breaks = !break_after.empty();
  const size_t end = breaks ? std::min(bytes.size(), position + break_after.front()) : bytes.size();
  if (breaks) break_after.erase(break_after.begin());

  v1::DownloadArtifactResponse piece;
  piece.mutable_artifact()->set_name("best.safetensors");
  piece.mutable_artifact()->set_size_bytes(static_cast<int64_t>(bytes.size()));
  piece.mutable_artifact()->set_sha256(Sha256Hex(bytes));
  do {
    piece.set_data(bytes.substr(position, std::min(kPieceBytes, end - position)));
    piece.set_crc32c(Crc32c(piece.data()));
    position += piece.data().size();
    if (tamper) tamper(piece);
    writer->Write(piece);
    piece.clear_artifact();
  } while (position < end);
  return breaks ? grpc::Status(grpc::StatusCode::UNAVAILABLE, "going down") : grpc::Status::OK;
}

FakeServer::FakeServer() {
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
  builder.RegisterService(&jobs);
  builder.RegisterService(&datasets);
  builder.RegisterService(&server);
  grpc_server_ = builder.BuildAndStart();
}

FakeServer::~FakeServer() { grpc_server_->Shutdown(std::chrono::system_clock::now()); }

}  // namespace distill::client::testing
