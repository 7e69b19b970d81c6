// SPDX-License-Identifier: Apache-2.0
#include "hub/app/base/kept_address.h"

#include <unistd.h>

#include "hub/app/base/status_options.h"

namespace latchkey::hub::app {

using registry::Outcome;

Outcome<Address> KeptAddress::choose(Address wanted, const std::string& loss) const {
  LATCHKEY_TRY(setting, registry_.setting(setting_));
  const auto before = parse_address(setting.value_or(""));
  if (wanted.port != 0 || !before || before->host != wanted.host) return choose_port(std::move(wanted));
  if (auto again = reserve(*before)) return again;
  if (!loss.empty()) {
    (void)::dprintf(STDERR_FILENO, "latchkey: %s %s\n", host_and_port(*before).c_str(), loss.c_str());
  }
  return choose_port(std::move(wanted));
}

Outcome<void> KeptAddress::keep(const Address& address) const {
  LATCHKEY_TRY_VOID(registry_.set_setting(setting_, host_and_port(address)));
  return {};
}

}  // namespace latchkey::hub::app
