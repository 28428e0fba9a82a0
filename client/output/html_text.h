#pragma once

#include <string>
#include <string_view>

namespace distill::client {

/// Returns `text` as it may stand in HTML, in an element or between double quotes: what has a
/// meaning there is escaped, and control characters that HTML does not allow become U+FFFD.
std::string HtmlText(std::string_view text);

/// Returns `bytes` as a data: URL of the given type ("image/jpeg").
std::string DataUrl(std::string_view type, std::string_view bytes);

}  // namespace distill::client
