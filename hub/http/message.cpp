// SPDX-License-Identifier: Apache-2.0
#include "hub/http/message.h"

#include <boost/beast/core/string.hpp>

namespace latchkey::hub::http {

std::string_view Request::field(std::string_view name) const {
  for (const auto& [one, value] : fields) {
    if (boost::beast::iequals(one, name)) return value;
  }
  return {};
}

}  // namespace latchkey::hub::http
