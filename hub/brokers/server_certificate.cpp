// SPDX-License-Identifier: Apache-2.0
#include "hub/brokers/server_certificate.h"

#include <openssl/rand.h>

#include <algorithm>
#include <array>

#include "platform/files/folder.h"
#include "platform/openssl/certificate_builder.h"
#include "platform/openssl/pem.h"

namespace latchkey::hub::brokers {
namespace {

using openssl::CertificateBuilder;
using openssl::PkeyPtr;
using openssl::X509Ptr;
using registry::Outcome;
using registry::Reason;
using registry::refuse;

constexpr UnixMs kNotBefore = 1577836800000;  // 2020-01-01T00:00:00Z
constexpr UnixMs kNotAfter = 2524608000000;   // 2050-01-01T00:00:00Z
constexpr std::size_t kFileMax = 64 * 1024;
constexpr char kCurve[] = "P-256";
constexpr char kCaName[] = "Latchkey throw-away server CA";

// A certificate with its key, as two files. The key is written first: a certificate never lies there without one.
struct Identity {
  X509Ptr certificate;
  std::shared_ptr<EVP_PKEY> key;
};

std::shared_ptr<EVP_PKEY> shared(PkeyPtr key) { return std::shared_ptr<EVP_PKEY>(std::move(key)); }

Outcome<std::vector<std::uint8_t>> read_optional(const std::filesystem::path& path) {
  auto content = files::read_file(path, kFileMax);
  if (content) return *std::move(content);
  if (content.error() == Status::kNotFound) return std::vector<std::uint8_t>{};
  return refuse(Reason::kStorage, "reading " + path.string() + ": " + std::string(to_string(content.error())));
}

Outcome<void> store(const std::filesystem::path& path, std::vector<std::uint8_t> content, mode_t mode) {
  const auto written = files::replace_file(path, content, mode);
  wipe({content.data(), content.size()});
  if (written) return {};
  return refuse(Reason::kStorage, "writing " + path.string() + ": " + std::string(to_string(written.error())));
}

// Both empty when a file is missing, so never finished. Files that are there but useless are not replaced: somebody
// else may have put them there.
Outcome<Identity> load(const std::filesystem::path& certificate, const std::filesystem::path& key) {
  LATCHKEY_TRY(certificate_pem, read_optional(certificate));
  LATCHKEY_TRY(key_pem, read_optional(key));
  if (certificate_pem.empty() || key_pem.empty()) return Identity{};
  Identity identity{openssl::certificate_from_pem(certificate_pem), shared(openssl::key_from_pem(key_pem))};
  wipe({key_pem.data(), key_pem.size()});
  const bool pair = identity.certificate && identity.key &&
                    X509_check_private_key(identity.certificate.get(), identity.key.get()) == 1;
  if (!pair) {
    return refuse(Reason::kStorage,
                  certificate.string() + " and " + key.string() + " do not belong together: " + openssl::take_error());
  }
  return identity;
}

Outcome<Identity> save(Identity identity, const std::filesystem::path& certificate, const std::filesystem::path& key) {
  if (!identity.certificate || !identity.key) {
    return refuse(Reason::kInternal, "making " + certificate.string() + ": " + openssl::take_error());
  }
  // The old certificate goes first: a crash in between leaves a pair that is plainly unfinished, never a mixed one.
  if (auto removed = files::remove_file(certificate); !removed) {
    return refuse(Reason::kStorage, "replacing " + certificate.string());
  }
  LATCHKEY_TRY_VOID(store(key, openssl::key_to_pem(identity.key.get()), files::kSecretFile));
  LATCHKEY_TRY_VOID(store(certificate, openssl::certificate_to_pem(identity.certificate.get()), files::kPublicFile));
  return identity;
}

std::array<std::uint8_t, 16> random_serial() {
  std::array<std::uint8_t, 16> serial{};
  RAND_bytes(serial.data(), static_cast<int>(serial.size()));
  serial[0] = static_cast<std::uint8_t>((serial[0] & 0x7f) | 0x40);  // positive, no leading zero octet
  return serial;
}

X509Ptr certify_ca(EVP_PKEY* key) {
  CertificateBuilder builder;
  builder.serial(random_serial()).subject(kCaName).issuer_is_subject().validity(kNotBefore, kNotAfter).authority(0);
  return builder.key_usage(KU_KEY_CERT_SIGN | KU_CRL_SIGN).public_key(key).sign(key);
}

Identity make_ca() {
  Identity ca;
  ca.key = shared(openssl::make_ec_key(kCurve));
  if (ca.key) ca.certificate = certify_ca(ca.key.get());
  return ca;
}

Identity make_server(const Identity& ca, const ServerNames& names) {
  Identity server;
  server.key = shared(openssl::make_ec_key(kCurve));
  if (!server.key) return server;
  CertificateBuilder builder;
  builder.serial(random_serial())
      .subject(names.dns.empty() ? names.ip.front() : names.dns.front())
      .validity(kNotBefore, kNotAfter)
      .end_entity()
      .key_usage(KU_DIGITAL_SIGNATURE)
      .extended_key_usage(NID_server_auth)
      .alternative_names(names.dns, names.ip)
      .public_key(server.key.get())
      .issuer(ca.certificate.get());
  server.certificate = builder.sign(ca.key.get());
  return server;
}

bool covers(X509* certificate, const ServerNames& names) {
  constexpr unsigned kFlags = X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_WILDCARDS;
  const auto has_dns = [&](const std::string& name) {
    return X509_check_host(certificate, name.data(), name.size(), kFlags, nullptr) == 1;
  };
  const auto has_ip = [&](const std::string& ip) { return X509_check_ip_asc(certificate, ip.c_str(), kFlags) == 1; };
  return std::ranges::all_of(names.dns, has_dns) && std::ranges::all_of(names.ip, has_ip);
}

Outcome<void> check_names(const ServerNames& names) {
  if (names.dns.empty() && names.ip.empty())
    return refuse(Reason::kInvalidArgument, "a server needs a name or an address");
  for (const std::string& ip : names.ip) {
    if (!openssl::Asn1OctetStringPtr(a2i_IPADDRESS(ip.c_str()))) {
      return refuse(Reason::kInvalidArgument, ip + " is not an IP address");
    }
  }
  const auto bad = std::ranges::find_if(names.dns, [](const std::string& name) {
    return name.empty() || name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.") !=
                               std::string::npos;
  });
  if (bad != names.dns.end()) return refuse(Reason::kInvalidArgument, "'" + *bad + "' is not a host name");
  return {};
}

// The folder's own, made if it is not there.
Outcome<Identity> own_ca(const std::filesystem::path& certificate, const std::filesystem::path& key) {
  LATCHKEY_TRY(ca, load(certificate, key));
  if (ca.key) return ca;
  return save(make_ca(), certificate, key);
}

// Devices take their CA file from the folder, whoever has the key. One that the folder had of its own is of no use now.
Outcome<Identity> shared_ca(const ServerAuthority& shared, const std::filesystem::path& certificate,
                            const std::filesystem::path& own_key) {
  std::vector<std::uint8_t> pem(shared.certificate_pem.begin(), shared.certificate_pem.end());
  Identity ca{openssl::certificate_from_pem(pem), shared.key};
  if (!ca.certificate || !ca.key || X509_check_private_key(ca.certificate.get(), ca.key.get()) != 1) {
    return refuse(Reason::kStorage,
                  "the nodes' server CA and its key do not belong together: " + openssl::take_error());
  }
  if (!files::remove_file(own_key)) return refuse(Reason::kStorage, "removing " + own_key.string());
  LATCHKEY_TRY(there, read_optional(certificate));
  if (there != pem) LATCHKEY_TRY_VOID(store(certificate, std::move(pem), files::kPublicFile));
  return ca;
}

}  // namespace

std::string make_server_authority(EVP_PKEY* key) {
  const auto certificate = certify_ca(key);
  if (!certificate) return {};
  const auto pem = openssl::certificate_to_pem(certificate.get());
  return {pem.begin(), pem.end()};
}

Outcome<ServerCertificateFiles> ensure_server_certificate(const std::filesystem::path& folder, const ServerNames& names,
                                                          const std::string& stem, const ServerAuthority* shared) {
  LATCHKEY_TRY_VOID(check_names(names));
  std::error_code error;
  // A folder that is there may belong to the user that the brokers run as; the keys have modes of their own.
  const bool there = std::filesystem::is_directory(folder, error);
  if (auto ready = there ? Result<void>() : files::make_secret_folder(folder); !ready) {
    return refuse(Reason::kStorage, "folder " + folder.string() + ": " + std::string(to_string(ready.error())));
  }
  const ServerCertificateFiles files{folder / "server-ca.pem", folder / (stem + ".pem"), folder / (stem + ".key")};
  const auto ca_key = folder / "server-ca.key";
  LATCHKEY_TRY(
      ca, shared != nullptr ? shared_ca(*shared, files.ca_certificate, ca_key) : own_ca(files.ca_certificate, ca_key));
  LATCHKEY_TRY(server, load(files.certificate, files.key));
  const bool kept = server.key && covers(server.certificate.get(), names) &&
                    X509_verify(server.certificate.get(), X509_get0_pubkey(ca.certificate.get())) == 1;
  openssl::take_error();
  if (!kept) {
    LATCHKEY_TRY(made, save(make_server(ca, names), files.certificate, files.key));
    static_cast<void>(made);
  }
  return files;
}

}  // namespace latchkey::hub::brokers
