// SPDX-License-Identifier: Apache-2.0
// The JSON of renewal: answers to devices, and the record by which a finished renewal is remembered.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hub/throttle/renewal_windows.h"
#include "platform/base/ids.h"
#include "registry/model/resources.h"

namespace latchkey::hub::session {

// Lower-case hex.
std::string sha256_text(std::string_view what);

// What `info` of an error says; empty members are left out (a parser of ours refuses null), and so is an empty info.
struct ErrorInfo {
  std::string correlation_id;
  std::string credential_error;
  std::string credential_message;
  std::string request_id;  // of the request that is in the way
  std::string operation_expires;
};

std::string accepted_body(std::string_view correlation_id, UnixMs expires);
// `window`: when the device should renew; nothing: it is not told.
std::string certificates_body(std::string_view correlation_id, const std::vector<registry::Bytes>& chain,
                              const std::optional<throttle::RenewalWindow>& window);
std::string error_body(int error_code, std::string_view message, UnixMs now, const ErrorInfo& info,
                       std::optional<std::uint32_t> retry_after_s);

// A renewal that handed out, or is about to hand out, its certificate.
struct RenewalRecord {
  std::string request_id;
  std::string fingerprint;  // of CSR and asker
  std::string correlation_id;
  std::uint64_t sequence = 0;  // to be enforced before the answer goes out
  std::string answer;          // body of the 200
};
registry::Bytes store_record(const RenewalRecord& record);
// Nothing when it is not what store_record wrote.
std::optional<RenewalRecord> load_record(const registry::Bytes& bytes);

}  // namespace latchkey::hub::session
