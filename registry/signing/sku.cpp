// SPDX-License-Identifier: Apache-2.0
#include "registry/signing/sku.h"

namespace latchkey::registry::signing {
namespace {

constexpr Quota kBasic = {"Basic", 5'000, 1, 999, 5};
constexpr Quota kPremium = {"Premium", 100'000, 10, 9'999, 5};

}  // namespace

const Quota& quota_of(Sku sku) { return sku == Sku::kPremium ? kPremium : kBasic; }

std::optional<Sku> sku_by_name(std::string_view name) {
  if (name == kBasic.name) return Sku::kBasic;
  if (name == kPremium.name) return Sku::kPremium;
  return std::nullopt;
}

}  // namespace latchkey::registry::signing
