// SPDX-License-Identifier: Apache-2.0
// What the two SKUs of a signing account allow.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "registry/signing/model.h"

namespace latchkey::registry::signing {

struct Quota {
  std::string_view name;              // "Basic"
  std::int64_t signatures_per_month;  // included; beyond them signing goes on
  std::int64_t profiles_of_a_type;
  std::int64_t price_cents_per_month;       // US
  std::int64_t price_thousandths_per_more;  // of a dollar, for each signature beyond
};
const Quota& quota_of(Sku sku);
std::optional<Sku> sku_by_name(std::string_view name);  // exactly

}  // namespace latchkey::registry::signing
