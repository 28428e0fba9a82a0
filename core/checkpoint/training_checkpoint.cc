#include "core/checkpoint/training_checkpoint.h"

#include <c10/util/Exception.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "core/base/durable_file.h"
#include "core/base/fault_point.h"
#include "core/base/plain_text.h"
#include "core/checkpoint/safetensors.h"
#include "core/format/safetensors_view.h"

namespace distill::core {
namespace {

using nlohmann::json;

constexpr char kVersionKey[] = "distill_training_checkpoint";
constexpr char kStateKey[] = "state";
// 2: counts of an epoch by class, not a confusion matrix (core/train/training_counts.h).
constexpr int kVersion = 2;
constexpr uint64_t kMaxCheckpointBytes = uint64_t{64} << 30U;

/// JSON has no infinities; texts keep every bit of a double.
std::string NumberText(double number) {
  std::array<char, 64> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), number);
  return {buffer.data(), end.ptr};
}

bool ReadNumber(const std::string& text, double& number) {
  const auto end = std::from_chars(text.data(), text.data() + text.size(), number);
  return end.ec == std::errc() && end.ptr == text.data() + text.size();
}

Result<std::string> StateText(const TrainingCheckpoint& checkpoint) {
  json state = {{"groups", json::array()},
                {"integers", checkpoint.integers},
                {"numbers", json::object()},
                {"texts", checkpoint.texts}};
  for (const auto& [name, tensors] : checkpoint.groups) state["groups"].push_back(name);
  for (const auto& [name, number] : checkpoint.numbers) {
    state["numbers"][name] = NumberText(number);
  }
  try {
    return state.dump();
  } catch (const json::exception& error) {
    return Status(Code::kInvalidArgument, std::string("a text is not UTF-8: ") + error.what());
  }
}

Status BadState() {
  return Status(Code::kDataLoss, "the training checkpoint's state cannot be read");
}

Status ReadState(const std::string& text, TrainingCheckpoint& checkpoint) {
  const json state = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!state.is_object()) return BadState();
  try {
    for (const json& name : state.at("groups")) checkpoint.groups[name.get<std::string>()];
    for (const auto& [name, value] : state.at("integers").items()) {
      // A number too large for 64 bits is read as one with a fraction.
      if (!value.is_number_integer()) return BadState();
      value.get_to(checkpoint.integers[name]);
    }
    state.at("texts").get_to(checkpoint.texts);
    for (const auto& [name, value] : state.at("numbers").items()) {
      if (!ReadNumber(value.get<std::string>(), checkpoint.numbers[name])) return BadState();
    }
  } catch (const json::exception&) {
    return BadState();
  }
  return Status::Ok();
}

Status CheckVersion(const std::string& text) {
  int version = 0;
  const auto end = std::from_chars(text.data(), text.data() + text.size(), version);
  if (end.ec != std::errc() || version < 1) return BadState();
  if (version <= kVersion) return Status::Ok();
  return Status(Code::kFailedPrecondition,
                "the training checkpoint was written by a newer version of this program (format " +
                    text + ", this one reads up to " + std::to_string(kVersion) +
                    "): update the program, or start the run anew");
}

Result<TrainingCheckpoint> ParseTrainingCheckpoint(std::string_view bytes) {
  if (!LooksLikeSafetensors(bytes)) {
    return Status(Code::kInvalidArgument, "not a training checkpoint");
  }
  DISTILL_ASSIGN_OR_RETURN(TensorFile file, ParseSafetensors(bytes));
  const auto version = file.metadata.find(kVersionKey);
  if (version == file.metadata.end()) {
    return Status(Code::kInvalidArgument,
                  "not a training checkpoint, but a weights file: it holds no training state");
  }
  DISTILL_RETURN_IF_ERROR(CheckVersion(version->second));
  TrainingCheckpoint checkpoint;
  DISTILL_RETURN_IF_ERROR(ReadState(file.metadata[kStateKey], checkpoint));
  for (NamedTensor& named : file.tensors) {
    const size_t slash = named.name.find('/');
    const auto group = checkpoint.groups.find(named.name.substr(0, slash));
    if (slash == std::string::npos || group == checkpoint.groups.end()) return BadState();
    named.name.erase(0, slash + 1);
    group->second.push_back(std::move(named));
  }
  return checkpoint;
}

Status Rename(const std::filesystem::path& from, const std::filesystem::path& to) {
  if (std::rename(from.c_str(), to.c_str()) == 0) return Status::Ok();
  return ErrnoStatus("rename " + from.string(), errno);
}

}  // namespace

Status WriteTrainingCheckpoint(const std::filesystem::path& path,
                               const TrainingCheckpoint& checkpoint) {
  TensorFile file;
  DISTILL_ASSIGN_OR_RETURN(file.metadata[kStateKey], StateText(checkpoint));
  file.metadata[kVersionKey] = std::to_string(kVersion);
  for (const auto& [group, tensors] : checkpoint.groups) {
    if (group.find('/') != std::string::npos) {
      return Status(Code::kInvalidArgument, "a group's name holds a slash: " + group);
    }
    for (const NamedTensor& named : tensors) {
      file.tensors.push_back({group + "/" + named.name, named.tensor, named.kind});
    }
  }
  return WriteSafetensors(path, file);
}

Result<TrainingCheckpoint> ReadTrainingCheckpoint(const std::filesystem::path& path) {
  try {
    DISTILL_ASSIGN_OR_RETURN(const std::string bytes, ReadFile(path, kMaxCheckpointBytes));
    Result<TrainingCheckpoint> checkpoint = ParseTrainingCheckpoint(bytes);
    if (!checkpoint.ok()) return checkpoint.status().WithContext(path.string());
    return checkpoint;
  } catch (const c10::Error& error) {
    return Status(Code::kResourceExhausted,
                  std::string("make tensors: ") + error.what_without_backtrace());
  }
}

Result<TensorFile> NetworkOf(TensorFile file) {
  const auto version = file.metadata.find(kVersionKey);
  if (version == file.metadata.end()) return file;
  DISTILL_RETURN_IF_ERROR(CheckVersion(version->second));
  for (const char* const group : {"average", "model"}) {
    const std::string prefix = std::string(group) + "/";
    TensorFile network;
    for (NamedTensor& named : file.tensors) {
      if (!StartsWith(named.name, prefix)) continue;
      network.tensors.push_back({named.name.substr(prefix.size()), named.tensor, named.kind});
    }
    if (network.tensors.empty()) continue;
    network.metadata["wrapped_in"] = group;
    return network;
  }
  return Status(Code::kInvalidArgument, "a training checkpoint that holds no network");
}

Status WriteNewestCheckpoint(const std::filesystem::path& directory,
                             const TrainingCheckpoint& checkpoint) {
  const std::filesystem::path next = directory / kNextCheckpointName;
  const std::filesystem::path last = directory / kLastCheckpointName;
  DISTILL_RETURN_IF_ERROR(WriteTrainingCheckpoint(next, checkpoint));
  FaultPoint("checkpoint.before_rotation");
  const Status rotated = Rename(last, directory / kPreviousCheckpointName);
  if (!rotated.ok() && rotated.code() != Code::kNotFound) return rotated;
  FaultPoint("checkpoint.within_rotation");
  DISTILL_RETURN_IF_ERROR(Rename(next, last));
  return SyncDirectory(directory);
}

Result<FoundCheckpoint> ReadFirstWhole(const std::vector<std::filesystem::path>& paths) {
  FoundCheckpoint found;
  Status failure(Code::kNotFound, "no checkpoint");
  for (const std::filesystem::path& path : paths) {
    Result<TrainingCheckpoint> checkpoint = ReadTrainingCheckpoint(path);
    if (checkpoint.ok()) {
      found.checkpoint = std::move(checkpoint).value();
      found.path = path;
      return found;
    }
    const Status status = checkpoint.status();
    if (status.code() == Code::kNotFound) continue;
    if (status.code() != Code::kDataLoss && status.code() != Code::kInvalidArgument) return status;
    failure = Status(Code::kDataLoss, status.message());
    found.passed_over.push_back(status);
  }
  return failure;
}

Result<FoundCheckpoint> ReadNewestCheckpoint(const std::filesystem::path& directory) {
  return ReadFirstWhole({directory / kNextCheckpointName, directory / kLastCheckpointName,
                         directory / kPreviousCheckpointName});
}

}  // namespace distill::core
