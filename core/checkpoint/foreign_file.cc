#include "core/checkpoint/foreign_file.h"

#include <string>

namespace distill::core {
namespace {

struct Signature {
  size_t offset;
  std::string_view bytes;
  const char* explanation;
};

constexpr Signature kSignatures[] = {
    {0, std::string_view("\x89HDF\r\n\x1a\n", 8),
     "the file is HDF5 (Keras): load it in Python and save its arrays as safetensors"},
    {257, "ustar",
     "the file is a tar archive (torch.save before PyTorch 0.1.10, or a package): unpack it, or "
     "load it in Python and save its state_dict with torch.save"},
    {0, "\x93NUMPY",
     "the file is a NumPy array: load it in Python and save it as safetensors with a name"},
    {0, std::string_view("\x1f\x8b", 2), "the file is compressed with gzip: unpack it first"},
    {0, "BZh", "the file is compressed with bzip2: unpack it first"},
    {0, std::string_view("\xfd\x37zXZ", 5), "the file is compressed with xz: unpack it first"},
    {0, std::string_view("\x28\xb5\x2f\xfd", 4),
     "the file is compressed with Zstandard: unpack it first"},
    {0, "7z\xbc\xaf", "the file is a 7z archive: unpack it first"},
    {0, "GGUF", "the file is GGUF (llama.cpp): use the model's safetensors or PyTorch file"},
    {4, "TFL3", "the file is TensorFlow Lite: use the model's PyTorch or safetensors file"},
    {4, "PTMF", "the file is a PyTorch Mobile flatbuffer: save the model's state_dict instead"},
    {0, "version https://git-lfs",
     "the file is only a Git LFS pointer to the weights: fetch them with git lfs pull"},
    {0, "<!DOCTYPE", "the file is a web page, not weights: the download went wrong"},
    {0, "<html", "the file is a web page, not weights: the download went wrong"},
    {0, "<?xml", "the file is XML, not weights"},
};

/// An ONNX file is a protobuf message: the version of the format (1 to 99) as field 1, then one of
/// the text fields 2 to 6 or the graph (7) or the operator sets (8).
bool LooksLikeOnnx(std::string_view bytes) {
  if (bytes.size() < 4 || bytes[0] != '\x08' || bytes[1] < 1 || bytes[1] > 99) return false;
  const auto tag = static_cast<unsigned char>(bytes[2]);
  const unsigned field = tag >> 3U;
  constexpr unsigned kLengthDelimited = 2;
  return (tag & 7U) == kLengthDelimited ? field >= 2 && field <= 8 && field != 5 : tag == 0x28U;
}

/// A bare pickle of protocol 2 or later, as pickle.dump writes it.
bool LooksLikePickle(std::string_view bytes) {
  return bytes.size() > 2 && bytes[0] == '\x80' && bytes[1] >= 2 && bytes[1] <= 5 &&
         bytes.back() == '.';
}

}  // namespace

Status ExplainForeignFile(std::string_view bytes) {
  for (const Signature& signature : kSignatures) {
    if (bytes.size() >= signature.offset + signature.bytes.size() &&
        bytes.substr(signature.offset, signature.bytes.size()) == signature.bytes) {
      return Status(Code::kInvalidArgument, signature.explanation);
    }
  }
  if (LooksLikeOnnx(bytes)) {
    return Status(
        Code::kInvalidArgument,
        "the file is ONNX: use the PyTorch or safetensors file that it was exported from");
  }
  if (LooksLikePickle(bytes)) {
    return Status(
        Code::kInvalidArgument,
        "the file is a bare pickle, not one of torch.save: load it in Python and save its "
        "state_dict with torch.save");
  }
  return Status::Ok();
}

}  // namespace distill::core
