// SPDX-License-Identifier: Apache-2.0
#include "platform/openssl/openssl_ptr.h"

#include <openssl/err.h>

namespace latchkey::openssl {

std::string take_error() {
  const char* data = nullptr;
  int flags = 0;
  const unsigned long code = ERR_peek_error_data(&data, &flags);
  std::string text = "no reason given";
  if (code != 0) {
    const char* reason = ERR_reason_error_string(code);
    char number[256];
    ERR_error_string_n(code, number, sizeof number);
    text = reason != nullptr ? reason : number;
    // Ours, from within OpenSSL (hub/ca/token_key.cpp): a whole sentence.
    if (ERR_GET_LIB(code) == ERR_LIB_USER && (flags & ERR_TXT_STRING) != 0) text = data;
  }
  ERR_clear_error();
  return text;
}

}  // namespace latchkey::openssl
