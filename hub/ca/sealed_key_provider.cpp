// SPDX-License-Identifier: Apache-2.0
#include "hub/ca/sealed_key_provider.h"

#include <utility>

#include "hub/ca/sealing.h"
#include "platform/openssl/pem.h"

namespace latchkey::hub::ca {

using registry::Outcome;
using registry::Reason;
using registry::refuse;

namespace {

SigningKey share(openssl::PkeyPtr key) { return SigningKey(key.release(), EVP_PKEY_free); }

}  // namespace

SealedKeyProvider::SealedKeyProvider(SealedKeys& store, NodeKeys node_keys, Options options)
    : store_(store),
      node_keys_(std::move(node_keys)),
      options_(std::move(options)),
      ending_("." + options_.purpose + ".sealed"),
      remembered_(options_.remembered) {}

bool SealedKeyProvider::is_ours(std::string_view key_ref) const { return named_like_a_key(key_ref, ending_); }

Outcome<GeneratedKey> SealedKeyProvider::generate(KeyAlgorithm algorithm) {
  openssl::PkeyPtr key = make_key(algorithm);
  if (!key) return refuse(Reason::kInternal, "key generation: " + openssl::take_error());
  LATCHKEY_TRY(random, fresh_key_name());
  const std::string name = random + ending_;
  const Secret pem(openssl::key_to_pem(key.get()));
  if (pem.empty()) return refuse(Reason::kInternal, "key encoding: " + openssl::take_error());
  LATCHKEY_TRY(sealed, seal(*node_keys_.front(), {name, options_.purpose}, algorithm, pem.view()));
  LATCHKEY_TRY_VOID(store_.put(name, sealed, options_.now()));
  LATCHKEY_TRY(shared, remembered_.get(name, [&]() -> Outcome<SigningKey> { return share(std::move(key)); }));
  return GeneratedKey{name, std::move(shared)};
}

Outcome<SigningKey> SealedKeyProvider::unsealed(const std::string& key_ref) const {
  LATCHKEY_TRY(sealed, store_.get(key_ref));
  LATCHKEY_TRY(pem, unseal(node_keys_, {key_ref, options_.purpose}, sealed));
  openssl::PkeyPtr key = openssl::key_from_pem(pem.key.view());
  if (!key) return refuse(Reason::kStorage, "the sealed key " + key_ref + " is damaged: " + openssl::take_error());
  return share(std::move(key));
}

Outcome<SigningKey> SealedKeyProvider::load(const std::string& key_ref) {
  if (!is_ours(key_ref)) return refuse(Reason::kInvalidArgument, "not a key reference of this provider");
  return remembered_.get(key_ref, [&] { return unsealed(key_ref); });
}

Outcome<void> SealedKeyProvider::destroy(const std::string& key_ref) {
  if (!is_ours(key_ref)) return refuse(Reason::kInvalidArgument, "not a key reference of this provider");
  return remembered_.drop(key_ref, [&] { return store_.erase(key_ref); });
}

// Only those that have been there for an hour: another node may have made one whose row is on its way.
Outcome<std::size_t> SealedKeyProvider::destroy_unnamed(const std::set<std::string>& named) {
  LATCHKEY_TRY(all, store_.list());
  const UnixMs now = options_.now();
  std::size_t destroyed = 0;
  for (const auto& entry : all) {
    const bool orphan = is_ours(entry.key_ref) && !named.contains(entry.key_ref);
    if (!orphan || entry.made > now - kUnnamedForMs) continue;
    LATCHKEY_TRY_VOID(destroy(entry.key_ref));
    ++destroyed;
  }
  return destroyed;
}

Outcome<void> SealedKeyProvider::check(const std::set<std::string>& named) {
  for (const auto& key_ref : named) {
    if (!is_ours(key_ref)) return refuse_key(key_ref, told(), {});
    const auto sealed = store_.get(key_ref);
    if (!sealed && sealed.error().reason == Reason::kNotFound) return refuse_key(key_ref, told(), "it is not there");
    if (!sealed) return fail(sealed.error());
    if (const auto secret = unseal(node_keys_, {key_ref, options_.purpose}, *sealed); !secret) {
      return refuse_key(key_ref, told(), secret.error().detail);
    }
  }
  return {};
}

std::string SealedKeyProvider::told() const {
  std::string text = "sealed under node key " + to_text(node_keys_.front()->id());
  for (std::size_t i = 1; i < node_keys_.size(); ++i)
    text += (i == 1 ? ", before " : " and ") + to_text(node_keys_[i]->id());
  return text;
}

Outcome<SealedKeyProvider::Resealed> SealedKeyProvider::reseal() {
  LATCHKEY_TRY(all, store_.list());
  Resealed done;
  for (const auto& entry : all) {
    if (!is_ours(entry.key_ref)) continue;
    auto anew = reseal_one(entry.key_ref);
    if (!anew && anew.error().reason == Reason::kNotFound) continue;  // destroyed meanwhile
    if (!anew) return fail(anew.error());
    ++(*anew ? done.anew : done.already);
  }
  return done;
}

Outcome<bool> SealedKeyProvider::reseal_one(const std::string& key_ref) {
  LATCHKEY_TRY(before, store_.get(key_ref));
  const SealName name{key_ref, options_.purpose};
  LATCHKEY_TRY(secret, unseal(node_keys_, name, before));
  if (sealed_under(before) == node_keys_.front()->id()) return false;
  LATCHKEY_TRY(after, seal(*node_keys_.front(), name, secret.algorithm, secret.key.view()));
  LATCHKEY_TRY(again, unseal(node_keys_, name, after));  // what cannot be opened must not replace what can
  if (!constant_time_equal(again.key.view(), secret.key.view()))
    return refuse(Reason::kInternal, "sealing " + key_ref + " anew");
  auto replaced = store_.replace(key_ref, before, after);
  // Two nodes that re-seal at once: the other was first.
  if (!replaced && replaced.error().reason == Reason::kPreconditionFailed) return false;
  if (!replaced) return fail(replaced.error());
  return true;
}

}  // namespace latchkey::hub::ca
