// SPDX-License-Identifier: Apache-2.0
#include "hub/ca/ocsp_credentials.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <mutex>

#include "platform/files/folder.h"
#include "platform/openssl/certificate_builder.h"
#include "platform/openssl/pem.h"

namespace latchkey::hub::ca {
namespace {

using openssl::Critical;
using openssl::X509Ptr;
using registry::CaCertificate;
using registry::Outcome;
using registry::Reason;
using registry::refuse;

constexpr const char* kNoCheckOid = "1.3.6.1.5.5.7.48.1.5";  // RFC 6960 section 4.2.2.2.1
constexpr std::array<std::uint8_t, 2> kDerNull{0x05, 0x00};
constexpr std::size_t kFileMax = 16 * 1024;

X509Ptr parse(const registry::Bytes& der) {
  const std::uint8_t* end = der.data();
  return X509Ptr(d2i_X509(nullptr, &end, static_cast<long>(der.size())));
}

UnixMs unix_ms(const ASN1_TIME* time) {
  std::tm parts{};
  return ASN1_TIME_to_tm(time, &parts) == 1 ? static_cast<UnixMs>(::timegm(&parts)) * 1000 : 0;
}

std::string setting_of(const Uuid& ca) { return "ocsp of " + std::string(view(to_text(ca))); }

OcspCredentials::Credential credential_of(X509Ptr certificate, SigningKey key) {
  auto credential = std::make_shared<OcspCredential>();
  credential->not_before = unix_ms(X509_get0_notBefore(certificate.get()));
  credential->not_after = unix_ms(X509_get0_notAfter(certificate.get()));
  credential->certificate = {certificate.release(), X509_free};
  credential->key = std::move(key);
  return credential;
}

SigningKey shared(openssl::PkeyPtr key) { return {key.release(), EVP_PKEY_free}; }

// For `key`, signed by `issuer_key`, valid from a little ago, for clients whose clocks are behind, to `not_after`.
Outcome<OcspCredentials::Credential> make(const CaCertificate& ca, const SigningKey& issuer_key, SigningKey key,
                                          UnixMs now, UnixMs not_after) {
  const X509Ptr issuer = parse(ca.der);
  if (!issuer || !key) return refuse(Reason::kInternal, "an OCSP key for " + ca.subject + ": " + openssl::take_error());
  const auto serial = Authority::new_serial();
  openssl::CertificateBuilder builder;
  builder.serial(serial)
      .subject("ocsp of " + ca.subject.substr(3))  // without "CN="
      .validity(std::max(now - kBackdateMs, ca.not_before), not_after)
      .end_entity()
      .key_usage(KU_DIGITAL_SIGNATURE)
      .extended_key_usage(NID_OCSP_sign)
      .public_key(key.get())
      .issuer(issuer.get())
      .extension(kNoCheckOid, Critical::kNo, kDerNull);
  X509Ptr certificate = builder.sign(issuer_key.get());
  if (!certificate) {
    return refuse(Reason::kInternal, "an OCSP certificate for " + ca.subject + ": " + openssl::take_error());
  }
  return credential_of(std::move(certificate), std::move(key));
}

bool usable(const OcspCredential& credential, UnixMs now) {
  return credential.not_before <= now && now < credential.not_after;
}

// Also after a clock that was set back.
bool fresh(const OcspCredential& credential, UnixMs now) {
  return credential.not_before <= now &&
         now < credential.not_before + (credential.not_after - credential.not_before) / 2;
}

// What is kept, if it answers for this CA: a file that somebody mixed up must not sign for another.
OcspCredentials::Credential checked(X509Ptr certificate, SigningKey key, const CaCertificate& ca) {
  const X509Ptr issuer = parse(ca.der);
  const bool ours = certificate && key && issuer && X509_check_private_key(certificate.get(), key.get()) == 1 &&
                    X509_verify(certificate.get(), X509_get0_pubkey(issuer.get())) == 1;
  openssl::take_error();
  return ours ? credential_of(std::move(certificate), std::move(key)) : nullptr;
}

OcspCredentials::Credential read_file(const std::filesystem::path& file, const CaCertificate& ca) {
  auto pem = files::read_file(file, kFileMax);
  if (!pem) return nullptr;
  X509Ptr certificate = openssl::certificate_from_pem(*pem);
  openssl::PkeyPtr key = openssl::key_from_pem(*pem);
  wipe({pem->data(), pem->size()});
  return checked(std::move(certificate), key ? shared(std::move(key)) : nullptr, ca);
}

}  // namespace

Outcome<std::unique_ptr<OcspCredentials>> OcspCredentials::open(KeyProvider& keys, Options options) {
  const bool keeps = !options.folder.empty();
  if (auto ready = keeps ? files::make_secret_folder(options.folder) : Result<void>(); !ready) {
    if (ready.error() == Status::kRefused) {
      return refuse(Reason::kUnauthorized, options.folder.string() + " must be ours and closed to others (0700)");
    }
    return refuse(Reason::kStorage,
                  "opening " + options.folder.string() + ": " + std::string(to_string(ready.error())));
  }
  return std::unique_ptr<OcspCredentials>(new OcspCredentials(keys, std::move(options)));
}

std::filesystem::path OcspCredentials::file_of(const Uuid& ca) const {
  return options_.folder / (std::string(view(to_text(ca))) + ".pem");
}

Outcome<OcspCredentials::Credential> OcspCredentials::of(const CaCertificate& ca, UnixMs now) {
  if (now < ca.not_before || now >= ca.not_after) {
    return refuse(Reason::kPreconditionFailed, ca.subject + " has expired or is not valid yet");
  }
  if (!ca.key_ref.empty()) {
    auto made = renewed(ca, now);
    // The row may be a moment older than the end of its key.
    if (made || made.error().reason != Reason::kNotFound) return made;
  }
  LATCHKEY_TRY(last, last_of(ca));
  if (!usable(*last, now)) return refuse(Reason::kNotFound, "the last OCSP certificate of " + ca.subject + " is over");
  return last;
}

Outcome<OcspCredentials::Credential> OcspCredentials::renewed(const CaCertificate& ca, UnixMs now) {
  {
    const std::shared_lock lock(mutex_);
    if (const auto found = current_.find(ca.id); found != current_.end() && fresh(*found->second, now)) {
      return found->second;
    }
  }
  LATCHKEY_TRY(key, keys_.load(ca.key_ref));
  LATCHKEY_TRY(made, make(ca, key, shared(openssl::make_ec_key("P-256")), now,
                          std::min(now + options_.validity_ms, ca.not_after)));
  const std::unique_lock lock(mutex_);
  // Two that were made at the same time are both good; nothing hangs on which one stays.
  return current_[ca.id] = std::move(made);
}

Outcome<OcspCredentials::Credential> OcspCredentials::last_of(const CaCertificate& ca) {
  {
    const std::shared_lock lock(mutex_);
    if (const auto found = last_.find(ca.id); found != last_.end()) return found->second;
  }
  LATCHKEY_TRY(last, read_last(ca));
  if (!last) return refuse(Reason::kNotFound, ca.subject + " has no key, and no last OCSP certificate");
  const std::unique_lock lock(mutex_);
  current_.erase(ca.id);
  return last_[ca.id] = std::move(last);
}

Outcome<OcspCredentials::Credential> OcspCredentials::read_last(const CaCertificate& ca) {
  LATCHKEY_TRY(last, read_shared(ca));
  if (last || options_.folder.empty()) return last;
  return read_file(file_of(ca.id), ca);
}

// The setting: the key's reference, a line feed, the certificate.
Outcome<OcspCredentials::Credential> OcspCredentials::read_shared(const CaCertificate& ca) {
  if (options_.registry == nullptr) return Credential();
  LATCHKEY_TRY(setting, options_.registry->setting(setting_of(ca.id)));
  const auto line = setting ? setting->find('\n') : std::string::npos;
  if (line == std::string::npos) return Credential();
  auto key = options_.shared_keys->load(setting->substr(0, line));
  if (!key && key.error().reason == Reason::kNotFound) return Credential();
  if (!key) return fail(key.error());
  return checked(openssl::certificate_from_pem(ByteView(setting->substr(line + 1))), *std::move(key), ca);
}

Outcome<void> OcspCredentials::make_last(const CaCertificate& ca, UnixMs now) {
  if (now >= ca.not_after) return {};
  LATCHKEY_TRY(before, read_last(ca));
  if (before && usable(*before, now) && before->not_after == ca.not_after) return {};
  LATCHKEY_TRY(issuer_key, keys_.load(ca.key_ref));
  return options_.registry != nullptr ? share_last(ca, issuer_key, now) : write_last(ca, issuer_key, now);
}

// The key is durable before it is named; one that a crash leaves unnamed can do nothing.
Outcome<void> OcspCredentials::share_last(const CaCertificate& ca, const SigningKey& issuer_key, UnixMs now) {
  LATCHKEY_TRY(kept, options_.shared_keys->generate(KeyAlgorithm::kEcP256));
  LATCHKEY_TRY(last, make(ca, issuer_key, kept.key, now, ca.not_after));
  const auto certificate = openssl::certificate_to_pem(last->certificate.get());
  if (certificate.empty()) return refuse(Reason::kInternal, "encoding: " + openssl::take_error());
  const auto setting = kept.key_ref + "\n" + std::string(certificate.begin(), certificate.end());
  LATCHKEY_TRY_VOID(options_.registry->set_setting(setting_of(ca.id), setting));
  return {};
}

Outcome<void> OcspCredentials::write_last(const CaCertificate& ca, const SigningKey& issuer_key, UnixMs now) {
  LATCHKEY_TRY(last, make(ca, issuer_key, shared(openssl::make_ec_key("P-256")), now, ca.not_after));
  auto text = openssl::key_to_pem(last->key.get());
  const auto certificate = openssl::certificate_to_pem(last->certificate.get());
  if (text.empty() || certificate.empty()) return refuse(Reason::kInternal, "encoding: " + openssl::take_error());
  // With room for both from the start: growing would leave a copy of the key behind in memory.
  std::vector<std::uint8_t> both(text.size() + certificate.size());
  std::copy(certificate.begin(), certificate.end(), std::copy(text.begin(), text.end(), both.begin()));
  const auto written = files::replace_file(file_of(ca.id), both);
  wipe({text.data(), text.size()});
  wipe({both.data(), both.size()});
  if (!written) {
    return refuse(Reason::kStorage,
                  "last OCSP certificate of " + ca.subject + ": " + std::string(to_string(written.error())));
  }
  return {};
}

}  // namespace latchkey::hub::ca
