// SPDX-License-Identifier: Apache-2.0
#include "hub/ca/pkcs11_key_provider.h"

#include <charconv>
#include <utility>

#include "hub/ca/internal/token_key.h"

namespace latchkey::hub::ca {

using internal::Pkcs11Token;
using registry::Outcome;
using registry::Reason;
using registry::refuse;

namespace {

constexpr std::size_t kRegistryDigits = 16;

SigningKey share(openssl::PkeyPtr key) { return SigningKey(key.release(), EVP_PKEY_free); }

// Of a reference that named_like_a_key() has let through.
Pkcs11Token::Id id_in(std::string_view key_ref) {
  Pkcs11Token::Id id{};
  (void)hex_decode(key_ref.substr(0, hex_size(id.size())), id);
  return id;
}

std::string hex(const Pkcs11Token::Id& id) {
  std::array<std::uint8_t, hex_size(sizeof(Pkcs11Token::Id))> text{};
  return hex_encode(id, text) ? std::string(ByteView(text).text()) : std::string();
}

// Nothing of a label that is not ours after all: such an object is left alone.
std::optional<UnixMs> made_in(const std::string& label, std::size_t prefix) {
  std::int64_t seconds = 0;
  const char* const begin = label.data() + prefix;
  const char* const end = label.data() + label.size();
  const auto [stopped, error] = std::from_chars(begin, end, seconds);
  if (error != std::errc() || stopped != end || seconds < 0) return std::nullopt;
  return seconds * 1000;
}

}  // namespace

Outcome<TokenHandle> open_token(const Pkcs11Uri& uri) { return Pkcs11Token::open(uri); }

Pkcs11KeyProvider::Pkcs11KeyProvider(TokenHandle token, Options options)
    : token_(std::move(token)),
      options_(std::move(options)),
      ending_("." + options_.purpose + ".p11"),
      label_prefix_("latchkey " + options_.purpose + " " + options_.registry.substr(0, kRegistryDigits) + " "),
      remembered_(options_.remembered) {}

Pkcs11KeyProvider::~Pkcs11KeyProvider() = default;

bool Pkcs11KeyProvider::is_ours(std::string_view key_ref) const { return named_like_a_key(key_ref, ending_); }

Outcome<GeneratedKey> Pkcs11KeyProvider::generate(KeyAlgorithm algorithm) {
  LATCHKEY_TRY(random, fresh_key_name());
  const std::string name = random + ending_;
  LATCHKEY_TRY_VOID(token_->generate(algorithm, id_in(name), label_prefix_ + std::to_string(options_.now() / 1000)));
  LATCHKEY_TRY(key, load(name));
  return GeneratedKey{name, std::move(key)};
}

Outcome<SigningKey> Pkcs11KeyProvider::found(const std::string& key_ref) {
  const Pkcs11Token::Id id = id_in(key_ref);
  LATCHKEY_TRY(half, token_->public_key(id));
  openssl::PkeyPtr key = internal::token_key(half.get(), token_, id);
  if (!key) return refuse(Reason::kInternal, "the token's key " + key_ref + ": " + openssl::take_error());
  return share(std::move(key));
}

Outcome<SigningKey> Pkcs11KeyProvider::load(const std::string& key_ref) {
  if (!is_ours(key_ref)) return refuse(Reason::kInvalidArgument, "not a key reference of this provider");
  return remembered_.get(key_ref, [&] { return found(key_ref); });
}

Outcome<void> Pkcs11KeyProvider::destroy(const std::string& key_ref) {
  if (!is_ours(key_ref)) return refuse(Reason::kInvalidArgument, "not a key reference of this provider");
  return remembered_.drop(key_ref, [&] { return token_->destroy(id_in(key_ref)); });
}

// Only those of an hour ago and before: another node may have made one whose row is on its way.
Outcome<std::size_t> Pkcs11KeyProvider::destroy_unnamed(const std::set<std::string>& named) {
  LATCHKEY_TRY(all, token_->list(label_prefix_));
  const UnixMs now = options_.now();
  std::size_t destroyed = 0;
  for (const auto& [id, one] : all) {
    const std::string key_ref = hex(id) + ending_;
    const auto made = made_in(one.label, label_prefix_.size());
    if (named.contains(key_ref) || !made || *made > now - kUnnamedForMs) continue;
    LATCHKEY_TRY_VOID(destroy(key_ref));
    ++destroyed;
  }
  return destroyed;
}

Outcome<void> Pkcs11KeyProvider::check(const std::set<std::string>& named) {
  LATCHKEY_TRY(all, token_->list(label_prefix_));  // at once: to find one costs as much as to list them
  for (const auto& key_ref : named) {
    if (!is_ours(key_ref)) return refuse_key(key_ref, told(), {});
    const auto found = all.find(id_in(key_ref));
    const bool whole = found != all.end() && found->second.has_private && found->second.has_public;
    if (!whole) return refuse_key(key_ref, told(), "it is not there");
  }
  return {};
}

std::string Pkcs11KeyProvider::told() const { return "on PKCS#11 token '" + token_->label() + "'"; }

}  // namespace latchkey::hub::ca
