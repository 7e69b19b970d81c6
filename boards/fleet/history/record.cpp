// SPDX-License-Identifier: Apache-2.0
#include "boards/fleet/history/record.h"

#include "boards/fleet/history/internal/names.h"

namespace latchkey::boards::fleet::history {

std::string_view to_string(Service service) { return name_of(service); }
std::string_view to_string(Cause cause) { return name_of(cause); }
std::string_view to_string(RefusedBy by) { return name_of(by); }
std::string_view to_string(Why why) { return name_of(why); }
std::string_view to_string(ActKind kind) { return name_of(kind); }
std::string_view to_string(FaultKind kind) { return name_of(kind); }
std::string_view to_string(Ending why) { return name_of(why); }

std::string device_name(std::string_view prefix, Device device) {
  constexpr std::size_t kDigits = 6;
  const std::string number = std::to_string(std::uint64_t{device} + 1);
  return std::string(prefix) + std::string(number.size() < kDigits ? kDigits - number.size() : 0, '0') + number;
}

}  // namespace latchkey::boards::fleet::history
