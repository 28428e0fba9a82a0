#include "client/enum_text.h"

#include <google/protobuf/descriptor.h>

#include <array>
#include <cctype>

namespace distill::client {
namespace {

using google::protobuf::EnumDescriptor;

constexpr std::string_view kUnspecified = "UNSPECIFIED";

struct Alias {
  std::string_view type;
  std::string_view text;   // folded
  std::string_view value;  // folded
};

// What the reference system, or habit, calls some values.
constexpr std::array kAliases{
    Alias{"TaskLossKind", "ce", "crossentropy"},
    Alias{"TaskLossKind", "crossentropyloss", "crossentropy"},
    Alias{"TaskLossKind", "polyloss", "poly"},
    Alias{"TaskLossKind", "focalloss", "focal"},
    Alias{"SelectionMetric", "acc", "valaccuracy"},
    Alias{"SelectionMetric", "accuracy", "valaccuracy"},
    Alias{"SelectionMetric", "meanacc", "valmpa"},
    Alias{"SelectionMetric", "mpa", "valmpa"},
    Alias{"SelectionMetric", "loss", "valloss"},
    Alias{"ScheduleKind", "poly", "polynomial"},
    Alias{"ScheduleKind", "none", "constant"},
    Alias{"DistillationMethod", "st", "softtarget"},
};

// Letters and digits only, in lower case.
std::string Fold(std::string_view text) {
  std::string folded;
  for (const char c : text) {
    const auto letter = static_cast<unsigned char>(c);
    if (std::isalnum(letter) != 0) folded += static_cast<char>(std::tolower(letter));
  }
  return folded;
}

std::string_view Prefix(const EnumDescriptor& type) {
  const std::string_view zero = type.value(0)->name();
  return zero.substr(0, zero.size() - kUnspecified.size());
}

std::string_view WithoutPrefix(const EnumDescriptor& type, std::string_view name) {
  return name.substr(Prefix(type).size());
}

std::string Canonical(const EnumDescriptor& type, std::string_view text) {
  std::string folded = Fold(text);
  for (const Alias& alias : kAliases) {
    if (alias.type == type.name() && alias.text == folded) return std::string(alias.value);
  }
  return folded;
}

std::string ShortName(const EnumDescriptor& type, std::string_view name) {
  std::string text;
  for (const char c : WithoutPrefix(type, name)) {
    text += c == '_' ? '-' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return text;
}

}  // namespace

Result<int> ParseEnum(const EnumDescriptor& type, std::string_view text) {
  const std::string wanted = Canonical(type, text);
  for (int index = 1; index < type.value_count(); ++index) {
    const std::string& name = type.value(index)->name();
    if (wanted == Fold(name) || wanted == Fold(WithoutPrefix(type, name))) {
      return type.value(index)->number();
    }
  }
  return Status(Code::kInvalidArgument,
                "one of " + EnumChoices(type) + " is needed, not '" + std::string(text) + "'");
}

std::string EnumText(const EnumDescriptor& type, int number) {
  const auto* value = type.FindValueByNumber(number);
  return value == nullptr ? std::to_string(number) : ShortName(type, value->name());
}

std::string EnumChoices(const EnumDescriptor& type) {
  std::string choices;
  for (int index = 1; index < type.value_count(); ++index) {
    if (index > 1) choices += ", ";
    choices += ShortName(type, type.value(index)->name());
  }
  return choices;
}

}  // namespace distill::client
