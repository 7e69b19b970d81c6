// SPDX-License-Identifier: Apache-2.0
#include "registry/table/verdict.h"

#include "platform/base/bytes.h"

namespace latchkey::registry {

Verdict check(const Table& table, std::string_view device_id, const DeviceIdentifier& identifier) {
  Verdict verdict;
  const TableValue* const value = table.find(device_id);
  if (value == nullptr) return verdict;

  verdict.known_ = true;
  verdict.identifier_current_ = constant_time_equal(value->digest, table.digest(identifier));
  verdict.enabled_ = value->enabled != 0;
  verdict.policy_ = value->policy;
  if (!verdict.identifier_current_) {
    verdict.reason_ = Reason::kIdentifierMismatch;
  } else if (!verdict.enabled_) {
    verdict.reason_ = Reason::kDeviceDisabled;
  } else {
    verdict.reason_ = Reason::kNone;
  }
  return verdict;
}

}  // namespace latchkey::registry
