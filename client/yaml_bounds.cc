#include "client/yaml_bounds.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <sstream>
#include <vector>

namespace distill::client {
namespace {

constexpr size_t kMaxYamlBytes = size_t{4} << 20U;
constexpr size_t kMaxYamlDepth = 64;
constexpr int64_t kMaxYamlNodes = 200'000;

// Counts nodes while they are read; throws where a bound is passed.
class BoundsHandler final : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark& mark) override {
    if (mark.pos == last_document_) Refuse(mark, "nothing that a document can begin with");
    last_document_ = mark.pos;
    sizes_.clear();
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override { Leaf(mark, anchor); }
  void OnScalar(const YAML::Mark& mark, const std::string& /*tag*/, YAML::anchor_t anchor,
                const std::string& /*value*/) override {
    Leaf(mark, anchor);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const int64_t size = anchor < sizes_.size() ? sizes_[anchor] : 0;
    if (size == 0) Refuse(mark, "an alias inside of what it stands for");
    Count(mark, size);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& /*tag*/, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value /*style*/) override {
    Open(mark, anchor);
  }
  void OnSequenceEnd() override { Close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& /*tag*/, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value /*style*/) override {
    Open(mark, anchor);
  }
  void OnMapEnd() override { Close(); }

 private:
  struct Collection {
    YAML::anchor_t anchor;
    int64_t first_node;
  };

  [[noreturn]] static void Refuse(const YAML::Mark& mark, const std::string& what) {
    throw YAML::ParserException(mark, what);
  }

  void Count(const YAML::Mark& mark, int64_t nodes) {
    num_nodes_ += nodes;
    if (num_nodes_ <= kMaxYamlNodes) return;
    Refuse(mark, "too much in one file, aliases unfolded; at most " +
                     std::to_string(kMaxYamlNodes) + " values and keys: split it");
  }

  // 0 stands for what is not read to its end yet.
  void SetSize(YAML::anchor_t anchor, int64_t nodes) {
    if (anchor == YAML::NullAnchor) return;
    if (sizes_.size() <= anchor) sizes_.resize(anchor + 1);
    sizes_[anchor] = nodes;
  }

  void Leaf(const YAML::Mark& mark, YAML::anchor_t anchor) {
    Count(mark, 1);
    SetSize(anchor, 1);
  }

  void Open(const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (open_.size() >= kMaxYamlDepth) {
      Refuse(mark, "nested too deeply; at most " + std::to_string(kMaxYamlDepth));
    }
    open_.push_back({anchor, num_nodes_});
    Count(mark, 1);
  }

  void Close() {
    SetSize(open_.back().anchor, num_nodes_ - open_.back().first_node);
    open_.pop_back();
  }

  int last_document_ = -1;
  int64_t num_nodes_ = 0;
  std::vector<Collection> open_;
  std::vector<int64_t> sizes_;  // in nodes, by anchor; of the document that is being read
};

}  // namespace

Status CheckYamlBounds(const std::string& text, const std::string& file_name) {
  if (text.size() > kMaxYamlBytes) {
    return {Code::kInvalidArgument, file_name + ": larger than " + std::to_string(kMaxYamlBytes) +
                                        " bytes: split it, or use --grid"};
  }
  std::istringstream stream(text);
  BoundsHandler handler;
  try {
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(handler)) {
    }
  } catch (const YAML::Exception& error) {
    return {Code::kInvalidArgument,
            file_name + ":" + std::to_string(error.mark.line + 1) + ": " + error.msg};
  }
  return {};
}

}  // namespace distill::client
