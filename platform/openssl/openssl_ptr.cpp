// SPDX-License-Identifier: Apache-2.0
#include "platform/openssl/openssl_ptr.h"

#include <openssl/err.h>

namespace latchkey::openssl {

std::string take_error() {
  const unsigned long code = ERR_peek_error();
  std::string text = "no reason given";
  if (code != 0) {
    const char* reason = ERR_reason_error_string(code);
    char number[256];
    ERR_error_string_n(code, number, sizeof number);
    text = reason != nullptr ? reason : number;
  }
  ERR_clear_error();
  return text;
}

}  // namespace latchkey::openssl
