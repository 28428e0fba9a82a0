#include <string>
#include <unordered_map>

#include "core/checkpoint/pickle.h"
#include "core/checkpoint/pytorch_file.h"
#include "core/checkpoint/tensor_copier.h"
#include "core/format/zip_archive.h"

namespace distill::core {
namespace {

Status ExplainArchiveWithoutPickle(const ZipArchive& archive) {
  if (!archive.FindBySuffix(".npy").empty()) {
    return Status(Code::kInvalidArgument,
                  "the file is a NumPy archive: load it in Python and save its arrays as "
                  "safetensors (safetensors.numpy.save_file)");
  }
  return Status(Code::kInvalidArgument,
                "the file is a zip archive, but not one that torch.save wrote: it has no data.pkl");
}

Status CheckArchive(const ZipArchive& archive, const std::string& root) {
  if (archive.Contains(root + "constants.pkl") || archive.AnyNameContains("/code/")) {
    return Status(Code::kInvalidArgument,
                  "the file is a TorchScript archive, not a state_dict: in Python, load it with "
                  "torch.jit.load(path) and save torch.save(model.state_dict(), new_path)");
  }
  if (!archive.Contains(root + "byteorder")) return Status::Ok();
  DISTILL_ASSIGN_OR_RETURN(const std::string_view order, archive.Read(root + "byteorder"));
  if (order == "little") return Status::Ok();
  return Status(
      Code::kInvalidArgument,
      "the file was written on a big-endian machine: save it anew on a little-endian one");
}

}  // namespace

Result<TensorFile> ParsePyTorchZip(std::string_view bytes) {
  constexpr std::string_view kPickleName = "/data.pkl";
  DISTILL_ASSIGN_OR_RETURN(const ZipArchive archive, ZipArchive::Open(bytes));
  const std::string pickle_name = archive.FindBySuffix(kPickleName);
  if (pickle_name.empty()) return ExplainArchiveWithoutPickle(archive);
  const std::string root = pickle_name.substr(0, pickle_name.size() - kPickleName.size() + 1);
  DISTILL_RETURN_IF_ERROR(CheckArchive(archive, root));
  DISTILL_ASSIGN_OR_RETURN(const std::string_view pickle, archive.Read(pickle_name));
  if (pickle.size() > kMaxPickleBytes) {
    return Status(Code::kInvalidArgument, "the file's pickle is too large to hold a state_dict");
  }
  PickleArena arena;
  size_t consumed = 0;
  DISTILL_ASSIGN_OR_RETURN(const PickleRef value, ReadPickle(pickle, arena, consumed));
  // Each storage's checksum is verified once, however many tensors look at it.
  std::unordered_map<std::string, std::string_view> seen;
  const auto lookup = [&](const std::string& key) -> Result<std::string_view> {
    const auto known = seen.find(key);
    if (known != seen.end()) return known->second;
    DISTILL_ASSIGN_OR_RETURN(const std::string_view raw, archive.Read(root + "data/" + key));
    seen.emplace(key, raw);
    return raw;
  };
  return CopyStateDict(value, bytes.size(), lookup);
}

}  // namespace distill::core
