// SPDX-License-Identifier: Apache-2.0
#include "hub/signing/outbox/letter.h"

#include <algorithm>

#include "hub/text/encoding.h"
#include "hub/text/time.h"

namespace latchkey::hub::signing {

using registry::signing::Mail;

namespace {

constexpr std::size_t kAddressMax = 254;
constexpr std::size_t kLineMax = 998;  // RFC 5322 section 2.1.1
constexpr std::size_t kEncodedLine = 76;

bool plain(char c) { return c >= 0x20 && c < 0x7f; }

std::string header(const std::string& text) {
  return std::all_of(text.begin(), text.end(), plain) ? text : "=?utf-8?B?" + text::base64(ByteView(text)) + "?=";
}

// "Sat, 21 Nov 2026 13:22:18 +0000" (RFC 5322 section 3.3)
std::string date(UnixMs at) {
  auto text = text::rfc7231(at);
  return text.replace(text.size() - 3, 3, "+0000");
}

std::string head(const Mail& mail, const std::string& from) {
  return "From: Latchkey signing <" + from + ">\nTo: <" + mail.recipient + ">\nDate: " + date(mail.created) +
         "\nSubject: " + header(mail.subject) + "\nMessage-ID: <" + name_of(mail) +
         "@latchkey.invalid>\nX-Latchkey-Validation: " + text::uuid_text(mail.validation) +
         "\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: ";
}

bool fits_as_it_is(const std::string& body) {
  std::size_t line = 0;
  for (const char c : body) {
    if (c == '\n') {
      line = 0;
    } else if (!plain(c) || ++line > kLineMax) {
      return false;
    }
  }
  return true;
}

std::string encoded(const std::string& body) {
  const std::string all = text::base64(ByteView(body));
  std::string lines;
  for (std::size_t at = 0; at < all.size(); at += kEncodedLine) lines += all.substr(at, kEncodedLine) + "\n";
  return lines;
}

std::string with_crlf(const std::string& text) {
  std::string wire;
  wire.reserve(text.size() + text.size() / 32);
  for (const char c : text) {
    if (c == '\n') wire += '\r';
    wire += c;
  }
  return wire;
}

}  // namespace

std::string name_of(const Mail& mail) {
  return std::to_string(mail.created / 1000) + ".M" + std::to_string(mail.number) + ".latchkey";
}

std::string letter_file(const Mail& mail) { return head(mail, kUsualSender) + "8bit\n\n" + mail.body; }

std::string letter_for_server(const Mail& mail, const std::string& from) {
  const bool as_it_is = fits_as_it_is(mail.body);
  return with_crlf(head(mail, from) + (as_it_is ? "7bit\n\n" + mail.body : "base64\n\n" + encoded(mail.body)));
}

bool is_plain_address(const std::string& address) {
  const auto at = address.find('@');
  const auto good = [](char c) {
    return plain(c) && std::string_view(" <>(),;:\\\"[]").find(c) == std::string_view::npos;
  };
  return address.size() <= kAddressMax && at != std::string::npos && at > 0 && at + 1 < address.size() &&
         address.find('@', at + 1) == std::string::npos && std::all_of(address.begin(), address.end(), good);
}

}  // namespace latchkey::hub::signing
