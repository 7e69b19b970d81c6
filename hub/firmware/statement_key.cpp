// SPDX-License-Identifier: Apache-2.0
#include "hub/firmware/statement_key.h"

#include "platform/files/file.h"
#include "platform/openssl/certificate_builder.h"
#include "platform/openssl/pem.h"

namespace latchkey::hub::firmware {
namespace {

using registry::Outcome;
using registry::Reason;
using registry::refuse;

constexpr std::size_t kFileMax = 4096;

StatementKey::Key shared(openssl::PkeyPtr key) { return {key.release(), EVP_PKEY_free}; }

}  // namespace

Outcome<StatementKey::Key> StatementKeyFile::load() {
  if (key_) return key_;
  auto pem = files::read_file(file_, kFileMax);
  if (!pem && pem.error() == Status::kNotFound) return Key();
  if (!pem) return refuse(Reason::kStorage, "cannot read the statement key");
  auto key = openssl::key_from_pem(ByteView(*pem));
  wipe({pem->data(), pem->size()});
  if (!key) return refuse(Reason::kStorage, "the statement key's file is damaged: " + file_.string());
  return key_ = shared(std::move(key));
}

Outcome<StatementKey::Key> StatementKeyFile::make() {
  auto key = openssl::make_ec_key("P-256");
  if (!key) return refuse(Reason::kInternal, "no statement key could be made: " + openssl::take_error());
  auto pem = openssl::key_to_pem(key.get());
  const bool kept = !pem.empty() && files::replace_file(file_, ByteView(pem));
  wipe({pem.data(), pem.size()});
  if (!kept) return refuse(Reason::kStorage, "cannot write the statement key");
  return key_ = shared(std::move(key));
}

}  // namespace latchkey::hub::firmware
