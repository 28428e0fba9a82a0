#include <string>
#include <unordered_map>

#include "core/checkpoint/foreign_file.h"
#include "core/checkpoint/pickle.h"
#include "core/checkpoint/pytorch_file.h"
#include "core/checkpoint/tensor_copier.h"
#include "core/format/safetensors_view.h"
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

constexpr std::string_view kPickleName = "data.pkl";

// The folder that everything in the archive lies in: "name/". "" where it has no data.pkl.
std::string RootOf(const ZipArchive& archive) {
  std::string root = archive.FindBySuffix("/" + std::string(kPickleName));
  if (!root.empty()) root.resize(root.size() - kPickleName.size());
  return root;
}

bool HasCode(const ZipArchive& archive, const std::string& root) {
  return archive.Contains(root + "constants.pkl") || archive.AnyNameContains("/code/");
}

Status CheckArchive(const ZipArchive& archive, const std::string& root) {
  if (HasCode(archive, root)) {
    return Status(
        Code::kInvalidArgument,
        "the file is a TorchScript archive, not a state_dict: in Python, load it with "
        "torch.jit.load(path) and save torch.save(model.state_dict(), new_path); or let it "
        "teach as it is, as the model torchscript (--teacher-model torchscript)");
  }
  if (!archive.Contains(root + "byteorder")) return Status::Ok();
  DISTILL_ASSIGN_OR_RETURN(const std::string_view order, archive.Read(root + "byteorder"));
  if (order == "little") return Status::Ok();
  return Status(
      Code::kInvalidArgument,
      "the file was written on a big-endian machine: save it anew on a little-endian one");
}

}  // namespace

Status CheckTorchScript(std::string_view bytes) {
  if (bytes.substr(0, 4) == "PK\x03\x04") {
    DISTILL_ASSIGN_OR_RETURN(const ZipArchive archive, ZipArchive::Open(bytes));
    const std::string root = RootOf(archive);
    if (root.empty()) return ExplainArchiveWithoutPickle(archive);
    if (HasCode(archive, root)) return Status::Ok();
  } else if (!LooksLikeLegacyPyTorch(bytes) && !LooksLikeSafetensors(bytes)) {
    DISTILL_RETURN_IF_ERROR(ExplainForeignFile(bytes));
    return Status(Code::kInvalidArgument,
                  "not a TorchScript archive: save one with torch.jit.script(model).save(path)");
  }
  return Status(
      Code::kInvalidArgument,
      "the file holds weights alone, no TorchScript program: name their architecture as the "
      "model (--teacher-model), or in Python save torch.jit.script(model).save(path)");
}

Result<TensorFile> ParsePyTorchZip(std::string_view bytes) {
  DISTILL_ASSIGN_OR_RETURN(const ZipArchive archive, ZipArchive::Open(bytes));
  const std::string root = RootOf(archive);
  if (root.empty()) return ExplainArchiveWithoutPickle(archive);
  DISTILL_RETURN_IF_ERROR(CheckArchive(archive, root));
  DISTILL_ASSIGN_OR_RETURN(const std::string_view pickle,
                           archive.Read(root + std::string(kPickleName)));
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
