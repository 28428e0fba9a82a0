// checkpoint_writer write FOLDER NUMBER: writes a training checkpoint that holds NUMBER everywhere.
// checkpoint_writer read FOLDER: prints the number of the newest whole one; fails when there is
// none or its tensors tell of another.
#include <ATen/ATen.h>

#include <iostream>
#include <string>

#include "core/checkpoint/training_checkpoint.h"

namespace distill::core {
namespace {

constexpr int64_t kElements = 1 << 18;

Status Write(const std::filesystem::path& folder, int64_t number) {
  TrainingCheckpoint checkpoint;
  checkpoint.integers["number"] = number;
  for (const char* group : {"model", "optimizer"}) {
    NamedTensor tensor;
    tensor.name = "weight";
    tensor.tensor = at::full({kElements}, static_cast<double>(number));
    checkpoint.groups[group].push_back(tensor);
  }
  return WriteNewestCheckpoint(folder, checkpoint);
}

Status Print(const std::filesystem::path& folder) {
  DISTILL_ASSIGN_OR_RETURN(const FoundCheckpoint found, ReadNewestCheckpoint(folder));
  const int64_t number = found.checkpoint.integers.at("number");
  for (const auto& [name, tensors] : found.checkpoint.groups) {
    if (!(tensors.front().tensor == number).all().item<bool>()) {
      return Status(Code::kDataLoss, "group " + name + " is of another checkpoint");
    }
  }
  std::cout << number << '\n';
  return Status::Ok();
}

}  // namespace
}  // namespace distill::core

int main(int argc, char** argv) {
  const std::string verb = argc > 2 ? argv[1] : "";
  distill::Status status(distill::Code::kInvalidArgument,
                         "usage: write FOLDER NUMBER, read FOLDER");
  if (verb == "write" && argc == 4) status = distill::core::Write(argv[2], std::stoll(argv[3]));
  if (verb == "read") status = distill::core::Print(argv[2]);
  if (!status.ok()) std::cerr << status.ToString() << '\n';
  return status.ok() ? 0 : 1;
}
