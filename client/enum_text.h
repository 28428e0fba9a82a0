#pragma once

#include <string>
#include <string_view>

#include "core/base/status.h"

namespace google::protobuf {
class EnumDescriptor;
}

namespace distill::client {

/// Returns the number of the value of `type` that `text` names. Letters' case, "-" and "_" do not
/// matter, the type's prefix may be left out ("mgd", "DISTILLATION_METHOD_MGD"), and the reference
/// system's spellings are known ("CrossEntropyLoss", "mean_acc").
/// kInvalidArgument: there is no such value; the message lists those that exist.
Result<int> ParseEnum(const google::protobuf::EnumDescriptor& type, std::string_view text);

/// Returns the short name of a value, e.g. "soft-target"; the number itself when it is unknown.
std::string EnumText(const google::protobuf::EnumDescriptor& type, int number);

/// Returns the short names of all values but the unspecified one, separated by ", ".
std::string EnumChoices(const google::protobuf::EnumDescriptor& type);

}  // namespace distill::client
