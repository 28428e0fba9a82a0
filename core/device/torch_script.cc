#include "core/device/torch_script.h"

#include <torch/csrc/jit/runtime/graph_executor.h>
#include <torch/script.h>
#include <torch/version.h>

#include <string>
#include <utility>

#include "core/base/log.h"
#include "core/device/amp.h"

namespace distill::core {
namespace {

std::string TextOf(const std::exception& error) {
  const auto* torch_error = dynamic_cast<const c10::Error*>(&error);
  return torch_error != nullptr ? torch_error->what_without_backtrace() : error.what();
}

std::string FirstLine(const std::string& text) { return text.substr(0, text.find('\n')); }

// Where a program fails, the reason follows the lines of its code.
std::string LastLine(const std::string& text) {
  const size_t end = text.find_last_not_of("\n ");
  if (end == std::string::npos) return text;
  const size_t newline = text.rfind('\n', end);
  const size_t start = newline == std::string::npos ? 0 : newline + 1;
  return text.substr(start, end + 1 - start);
}

Status FailureOf(const std::string& what, const std::string& text, const std::string& line) {
  LogError(what, {{"what", text}});
  const bool is_memory = text.find("out of memory") != std::string::npos ||
                         text.find("can't allocate memory") != std::string::npos;
  return {is_memory ? Code::kResourceExhausted : Code::kInvalidArgument, what + ": " + line};
}

Status Unexpected(const std::string& what, const c10::IValue& value) {
  return {
      Code::kInvalidArgument,
      "forward() must return a tensor of logits, or a tuple (logits, feature, ...) of tensors; " +
          what + " is " + value.type()->annotation_str()};
}

Result<std::vector<at::Tensor>> TensorsIn(const c10::IValue& returned) {
  if (returned.isTensor()) return std::vector<at::Tensor>{returned.toTensor()};
  if (!returned.isTuple()) return Unexpected("what it returns", returned);
  std::vector<at::Tensor> tensors;
  for (const c10::IValue& element : returned.toTupleRef().elements()) {
    if (!element.isTensor() && !element.isNone()) {
      return Unexpected("element " + std::to_string(tensors.size()) + " of its tuple", element);
    }
    tensors.push_back(element.isNone() ? at::Tensor() : element.toTensor());
  }
  return tensors;
}

}  // namespace

struct TorchScript::Program {
  torch::jit::Module module;
};

TorchScript::TorchScript(std::unique_ptr<Program> program) : program_(std::move(program)) {}
TorchScript::~TorchScript() = default;

Result<std::unique_ptr<TorchScript>> TorchScript::Load(const std::filesystem::path& path,
                                                       const at::Device& device,
                                                       const Roots& roots) {
  DISTILL_ASSIGN_OR_RETURN(const FileDescriptor file, OpenInside(path, roots));
  const std::string opened = "/proc/self/fd/" + std::to_string(file.get());
  try {
    auto program = std::make_unique<Program>(Program{torch::jit::load(opened, device)});
    program->module.eval();
    if (!program->module.find_method("forward")) {
      return Status(Code::kInvalidArgument, "the TorchScript program has no forward()");
    }
    return std::unique_ptr<TorchScript>(new TorchScript(std::move(program)));
  } catch (const std::exception& error) {
    const std::string text = TextOf(error);
    return FailureOf("LibTorch " TORCH_VERSION " cannot read the TorchScript program", text,
                     FirstLine(text));
  }
}

Result<std::vector<at::Tensor>> TorchScript::Run(const at::Tensor& images) {
  const at::NoGradGuard no_grad;
  const AutocastSuspension without_autocast(images.device());
  const torch::jit::GraphOptimizerEnabledGuard as_written(false);
  try {
    return TensorsIn(program_->module.forward({images.contiguous()}));
  } catch (const std::exception& error) {
    const std::string text = TextOf(error);
    return FailureOf("the TorchScript program failed", text, LastLine(text));
  }
}

std::vector<at::Tensor> TorchScript::Tensors() const {
  std::vector<at::Tensor> tensors;
  for (const at::Tensor& parameter : program_->module.parameters()) tensors.push_back(parameter);
  for (const at::Tensor& buffer : program_->module.buffers()) tensors.push_back(buffer);
  return tensors;
}

}  // namespace distill::core
