#include "core/checkpoint/timm_names.h"

#include <array>
#include <charconv>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "core/base/plain_text.h"

namespace distill::core {
namespace {

/// What a layer of a block is called in both definitions.
using LayerNames = std::vector<std::pair<std::string_view, std::string_view>>;

struct BlockNames {
  /// A tensor that only blocks of this kind have, within the block.
  std::string_view sign;
  LayerNames layers;
};

/// The kinds of blocks of a network, the largest first: the first whose sign is there is meant.
struct TimmTable {
  /// Where a block's layers begin: "features.3.conv.", "features.1.0.block.".
  std::string_view middle;
  /// How many blocks timm's stages have, where torchvision numbers all blocks in one row.
  std::vector<int> depths;
  std::vector<BlockNames> kinds;
};

const TimmTable& MobileNetTable() {
  static const TimmTable table = {
      "conv.",
      {1, 2, 3, 4, 3, 3, 1},
      {{"3.weight",
        {{"0.0.", "conv_pw."},
         {"0.1.", "bn1."},
         {"1.0.", "conv_dw."},
         {"1.1.", "bn2."},
         {"2.", "conv_pwl."},
         {"3.", "bn3."}}},
       {"0.0.weight",
        {{"0.0.", "conv_dw."}, {"0.1.", "bn1."}, {"1.", "conv_pw."}, {"2.", "bn2."}}}}};
  return table;
}

const TimmTable& EfficientNetTable() {
  static const TimmTable table = {
      "block.",
      {},
      {{"3.0.weight",
        {{"0.0.", "conv_pw."},
         {"0.1.", "bn1."},
         {"1.0.", "conv_dw."},
         {"1.1.", "bn2."},
         {"2.fc1.", "se.conv_reduce."},
         {"2.fc2.", "se.conv_expand."},
         {"3.0.", "conv_pwl."},
         {"3.1.", "bn3."}}},
       {"1.0.weight",
        {{"0.0.", "conv_exp."}, {"0.1.", "bn1."}, {"1.0.", "conv_pwl."}, {"1.1.", "bn2."}}},
       {"0.0.weight", {{"0.0.", "conv."}, {"0.1.", "bn1."}}}}};
  return table;
}

/// Takes "NUMBER." from the front of `text`. Returns -1 where there is none.
int TakeNumber(std::string_view& text) {
  int number = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end == text.data() + text.size() || *end != '.') return -1;
  text.remove_prefix(static_cast<size_t>(end - text.data()) + 1);
  return number;
}

class TimmTranslation {
 public:
  TimmTranslation(const TimmTable& table, const NamedTensors& state) : table_(table) {
    for (const NamedTensor& named : state) names_.insert(named.name);
  }

  std::string Translate(const std::string& name) const {
    constexpr std::string_view kFeatures = "features.";
    constexpr std::string_view kClassifier = "classifier.1.";
    std::string_view rest = name;
    if (StartsWith(rest, kClassifier)) {
      return "classifier." + std::string(rest.substr(kClassifier.size()));
    }
    if (!StartsWith(rest, kFeatures)) return name;
    rest.remove_prefix(kFeatures.size());
    const int first = TakeNumber(rest);
    const int second = IsInBlock(rest) ? 0 : TakeNumber(rest);
    if (!IsInBlock(rest)) return StemOrHead(first == 0, second, rest);
    const std::string block(name, 0, name.size() - rest.size() + table_.middle.size());
    rest.remove_prefix(table_.middle.size());
    return BlockPrefix(first, second) + LayerName(block, rest);
  }

 private:
  bool IsInBlock(std::string_view rest) const { return StartsWith(rest, table_.middle); }

  static std::string StemOrHead(bool is_stem, int layer, std::string_view rest) {
    const std::string conv = is_stem ? "conv_stem." : "conv_head.";
    const std::string norm = is_stem ? "bn1." : "bn2.";
    return (layer == 0 ? conv : norm) + std::string(rest);
  }

  /// Of the block that torchvision numbers (first, second), from 1 and 0, or `first` in one row.
  std::string BlockPrefix(int first, int second) const {
    int stage = first - 1;
    int index = second;
    if (!table_.depths.empty()) {
      index = first - 1;
      stage = 0;
      for (const int depth : table_.depths) {
        if (index < depth) break;
        index -= depth;
        ++stage;
      }
    }
    return "blocks." + std::to_string(stage) + "." + std::to_string(index) + ".";
  }

  /// Of the layer and tensor `rest` in the block whose names begin with `block`.
  std::string LayerName(const std::string& block, std::string_view rest) const {
    for (const BlockNames& kind : table_.kinds) {
      if (names_.count(block + std::string(kind.sign)) == 0) continue;
      for (const auto& [ours, theirs] : kind.layers) {
        if (StartsWith(rest, ours)) {
          return std::string(theirs) + std::string(rest.substr(ours.size()));
        }
      }
    }
    return std::string(rest);
  }

  const TimmTable& table_;
  std::unordered_set<std::string> names_;
};

const TimmTable* TableFor(const NamedTensors& state) {
  for (const NamedTensor& named : state) {
    if (named.name == "features.1.conv.0.0.weight") return &MobileNetTable();
    if (named.name == "features.1.0.block.0.0.weight") return &EfficientNetTable();
  }
  return nullptr;
}

}  // namespace

std::vector<std::string> TimmNames(const NamedTensors& state) {
  const TimmTable* table = TableFor(state);
  std::vector<std::string> names;
  names.reserve(state.size());
  if (table == nullptr) {
    for (const NamedTensor& named : state) names.push_back(named.name);
    return names;
  }
  const TimmTranslation translation(*table, state);
  for (const NamedTensor& named : state) names.push_back(translation.Translate(named.name));
  return names;
}

}  // namespace distill::core
