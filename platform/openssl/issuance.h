// SPDX-License-Identifier: Apache-2.0
// Whether one certificate certifies another, by OpenSSL: what crypto::check_chain asks of mbedTLS, some five times as
// fast. For hosts that live many devices (crypto::use_issuance_check).
#pragma once

#include "platform/base/bytes.h"

namespace latchkey::openssl {

// `subject` names `issuer` as its issuer, which is a CA (RFC 5280 section 4.2.1.9) whose key usage, if it has one, lets
// it sign certificates, and the signature is right. Dates are not looked at. Any thread.
bool issued_by(ByteView subject, ByteView issuer);

}  // namespace latchkey::openssl
