// SPDX-License-Identifier: Apache-2.0
// JSON of the data plane, in both spellings. Threads: any.
#pragma once

#include "hub/http/message.h"
#include "hub/signing/data/data_plane.h"

namespace latchkey::hub::signing {

// {"signatureAlgorithm","digest","fileHashList"?,"authenticodeHashList"?}; other members are passed over.
// kMalformedRequest, kInvalidArgument.
struct SignBody {
  Algorithm algorithm = Algorithm::kRs256;
  Bytes digest;
};
Answer<SignBody> read_sign_body(std::string_view body);

// `collection`: of the certificate that signed; empty while there is none.
std::string operation_body(const registry::signing::Operation& operation, ByteView collection, Spelling spelling);
std::string eku_body(const std::vector<std::string>& usages);
// One page, newest first; `next` is empty behind the last.
std::string history_body(const std::vector<registry::signing::Operation>& operations, std::uint64_t this_month,
                         const std::string& next);

http::Response json_response(int status, std::string body);
http::Response error_response(int status, std::string_view code, std::string_view message, Spelling spelling);

}  // namespace latchkey::hub::signing
