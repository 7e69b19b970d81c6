// SPDX-License-Identifier: Apache-2.0
#include "agent/protocol/sas.h"

namespace latchkey::agent::sas {
namespace {

constexpr std::string_view kScheme = "SharedAccessSignature ";

// Fills a field that must come once at most.
bool take(std::string_view& field, std::string_view value) {
  if (!field.empty() || value.empty()) return false;
  field = value;
  return true;
}

}  // namespace

Result<Token> parse(std::string_view password) {
  if (password.size() > kMaxToken) return fail(Status::kTooLarge);
  if (password.substr(0, kScheme.size()) != kScheme) return fail(Status::kMalformed);
  Token token;
  ParameterReader reader(password.substr(kScheme.size()));
  while (auto parameter = reader.next()) {
    bool good = true;
    if (parameter->key == "sr") good = take(token.resource, parameter->value);
    if (parameter->key == "sig") good = take(token.signature, parameter->value);
    if (parameter->key == "skn") good = parameter->value.empty() || take(token.policy_name, parameter->value);
    if (parameter->key == "se") good = take(token.expiry_text, parameter->value);
    if (!good) return fail(Status::kMalformed);
  }
  if (token.resource.empty() || token.signature.empty()) return fail(Status::kMalformed);
  LATCHKEY_TRY(expiry, parse_decimal(token.expiry_text));
  token.expiry_s = expiry;
  return token;
}

Result<std::string_view> write_text_to_sign(std::string_view raw_resource, std::string_view expiry_text,
                                            MutableBytes out) {
  return TextWriter(out).put(raw_resource).put('\n').put(expiry_text).finish();
}

Result<void> decode_signature(std::string_view raw_signature, MutableBytes out_32) {
  if (out_32.size() < kSignatureSize) return fail(Status::kTooLarge);
  std::array<std::uint8_t, base64_size(kSignatureSize)> text_buffer;
  auto text = url_decode(raw_signature, text_buffer);
  if (!text) return fail(Status::kMalformed);
  LATCHKEY_TRY(size, base64_decode(*text, out_32));
  if (size != kSignatureSize) return fail(Status::kMalformed);
  return {};
}

Result<std::string_view> write(std::string_view raw_resource, ByteView signature, std::string_view policy_name,
                               std::uint64_t expiry_s, MutableBytes out) {
  if (signature.size() != kSignatureSize) return fail(Status::kInvalidArgument);
  std::array<std::uint8_t, base64_size(kSignatureSize)> text;
  LATCHKEY_TRY(size, base64_encode(signature, MutableBytes(text.data(), text.size())));
  TextWriter writer(out);
  writer.put(kScheme).put("sr=").put(raw_resource).put("&sig=");
  writer.put_url_encoded(ByteView(text.data(), size).text());
  if (!policy_name.empty()) writer.put("&skn=").put(policy_name);
  return writer.put("&se=").put_decimal(expiry_s).finish();
}

}  // namespace latchkey::agent::sas
