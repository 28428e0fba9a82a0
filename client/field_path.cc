#include "client/field_path.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <charconv>
#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

#include "client/enum_text.h"

namespace distill::client {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

Status Unfit(std::string_view wanted, std::string_view value) {
  return {Code::kInvalidArgument,
          std::string(wanted) + " is needed, not '" + std::string(value) + "'"};
}

template <typename Number>
Result<Number> ParseNumber(std::string_view text, std::string_view wanted) {
  const std::string_view digits = text.starts_with('+') ? text.substr(1) : text;
  Number number{};
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc() || end != digits.data() + digits.size()) return Unfit(wanted, text);
  if constexpr (std::is_floating_point_v<Number>) {
    if (!std::isfinite(number)) return Unfit(wanted, text);
  }
  return number;
}

Result<bool> ParseBool(std::string_view text) {
  for (const std::string_view yes : {"true", "yes", "on", "1"}) {
    if (text == yes) return true;
  }
  for (const std::string_view no : {"false", "no", "off", "0"}) {
    if (text == no) return false;
  }
  return Unfit("true or false", text);
}

Status SetInt32(Message& message, const FieldDescriptor& field, std::string_view text) {
  DISTILL_ASSIGN_OR_RETURN(const int32_t number, ParseNumber<int32_t>(text, "a whole number"));
  const Reflection& reflection = *message.GetReflection();
  field.is_repeated() ? reflection.AddInt32(&message, &field, number)
                      : reflection.SetInt32(&message, &field, number);
  return {};
}

Status SetInt64(Message& message, const FieldDescriptor& field, std::string_view text) {
  DISTILL_ASSIGN_OR_RETURN(const int64_t number, ParseNumber<int64_t>(text, "a whole number"));
  const Reflection& reflection = *message.GetReflection();
  field.is_repeated() ? reflection.AddInt64(&message, &field, number)
                      : reflection.SetInt64(&message, &field, number);
  return {};
}

Status SetDouble(Message& message, const FieldDescriptor& field, std::string_view text) {
  DISTILL_ASSIGN_OR_RETURN(const double number, ParseNumber<double>(text, "a number"));
  const Reflection& reflection = *message.GetReflection();
  field.is_repeated() ? reflection.AddDouble(&message, &field, number)
                      : reflection.SetDouble(&message, &field, number);
  return {};
}

Status SetBool(Message& message, const FieldDescriptor& field, std::string_view text) {
  DISTILL_ASSIGN_OR_RETURN(const bool value, ParseBool(text));
  message.GetReflection()->SetBool(&message, &field, value);
  return {};
}

Status SetEnum(Message& message, const FieldDescriptor& field, std::string_view text) {
  DISTILL_ASSIGN_OR_RETURN(const int number, ParseEnum(*field.enum_type(), text));
  const Reflection& reflection = *message.GetReflection();
  field.is_repeated() ? reflection.AddEnumValue(&message, &field, number)
                      : reflection.SetEnumValue(&message, &field, number);
  return {};
}

void SetString(Message& message, const FieldDescriptor& field, std::string_view text) {
  const Reflection& reflection = *message.GetReflection();
  field.is_repeated() ? reflection.AddString(&message, &field, std::string(text))
                      : reflection.SetString(&message, &field, std::string(text));
}

std::vector<std::string> Split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  size_t begin = 0;
  while (true) {
    const size_t end = text.find(separator, begin);
    parts.emplace_back(text.substr(begin, end - begin));
    if (end == std::string_view::npos) return parts;
    begin = end + 1;
  }
}

using PathParts = std::vector<std::string>;

Status SetAt(Message& message, const PathParts& path, size_t depth, std::string_view value);

Status SetInList(Message& message, const FieldDescriptor& field, const PathParts& path,
                 size_t depth, std::string_view value) {
  if (depth + 1 >= path.size()) return {Code::kInvalidArgument, "the number of an entry is needed"};
  DISTILL_ASSIGN_OR_RETURN(const int index,
                           ParseNumber<int>(path[depth], "the number of an entry, from 0,"));
  const Reflection& reflection = *message.GetReflection();
  const int size = reflection.FieldSize(message, &field);
  if (index < 0 || index >= size) {
    return {Code::kInvalidArgument, "there are " + std::to_string(size) +
                                        " entries, counted from 0: no entry " + path[depth]};
  }
  return SetAt(*reflection.MutableRepeatedMessage(&message, &field, index), path, depth + 1, value);
}

Status SetWholeList(Message& message, const FieldDescriptor& field, std::string_view value) {
  message.GetReflection()->ClearField(&message, &field);
  if (value.empty()) return {};
  for (const std::string& part : Split(value, ',')) {
    DISTILL_RETURN_IF_ERROR(SetPlainField(message, field, part));
  }
  return {};
}

Status SetAt(Message& message, const PathParts& path, size_t depth, std::string_view value) {
  const auto* field = message.GetDescriptor()->FindFieldByName(path[depth]);
  if (field == nullptr) {
    return {Code::kInvalidArgument,
            "no such field; there are " + FieldNames(message) + ": " + path[depth]};
  }
  const bool is_last = depth + 1 == path.size();
  if (field->is_map()) {
    if (depth + 2 != path.size()) return {Code::kInvalidArgument, "one key is needed after it"};
    SetMapEntry(message, *field, path[depth + 1], std::string(value));
    return {};
  }
  if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
    if (field->is_repeated()) return SetInList(message, *field, path, depth + 1, value);
    Message& inner = *message.GetReflection()->MutableMessage(&message, field);
    if (is_last) {
      return {Code::kInvalidArgument, "a field of it is needed: " + FieldNames(inner)};
    }
    return SetAt(inner, path, depth + 1, value);
  }
  if (!is_last) return {Code::kInvalidArgument, "it has no fields of its own: " + path[depth]};
  return field->is_repeated() ? SetWholeList(message, *field, value)
                              : SetPlainField(message, *field, value);
}

}  // namespace

Status SetField(Message& message, std::string_view path, std::string_view value) {
  return SetAt(message, Split(path, '.'), 0, value).WithContext(path);
}

Status SetPlainField(Message& message, const FieldDescriptor& field, std::string_view value) {
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return SetInt32(message, field, value);
    case FieldDescriptor::CPPTYPE_INT64:
      return SetInt64(message, field, value);
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return SetDouble(message, field, value);
    case FieldDescriptor::CPPTYPE_BOOL:
      return SetBool(message, field, value);
    case FieldDescriptor::CPPTYPE_ENUM:
      return SetEnum(message, field, value);
    case FieldDescriptor::CPPTYPE_STRING:
      SetString(message, field, value);
      return {};
    default:
      return {Code::kInvalidArgument, "cannot be set from text"};
  }
}

void SetMapEntry(Message& message, const FieldDescriptor& field, const std::string& key,
                 const std::string& value) {
  const Reflection& reflection = *message.GetReflection();
  const auto* key_field = field.message_type()->map_key();
  const auto* value_field = field.message_type()->map_value();
  const int size = reflection.FieldSize(message, &field);
  for (int index = 0; index < size; ++index) {
    Message& entry = *reflection.MutableRepeatedMessage(&message, &field, index);
    if (entry.GetReflection()->GetString(entry, key_field) != key) continue;
    entry.GetReflection()->SetString(&entry, value_field, value);
    return;
  }
  Message& entry = *reflection.AddMessage(&message, &field);
  entry.GetReflection()->SetString(&entry, key_field, key);
  entry.GetReflection()->SetString(&entry, value_field, value);
}

std::string FieldNames(const Message& message) {
  std::string names;
  for (int index = 0; index < message.GetDescriptor()->field_count(); ++index) {
    if (index > 0) names += ", ";
    names += message.GetDescriptor()->field(index)->name();
  }
  return names;
}

}  // namespace distill::client
