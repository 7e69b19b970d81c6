// SPDX-License-Identifier: Apache-2.0
// The brokers' own TLS identity: a throw-away server CA and below it a certificate for the DPS endpoint and the first
// hub and one for each other hub (EC P-256), made when they are first needed and kept. Not for production names:
// whoever has such passes his own files to the brokers.
//
// Nodes that share a registry share the CA, too (ServerAuthority), or a device would have to know one for each. Its key
// is then wherever they keep keys, and not in the folder.
//
// Valid from 2020 to 2050, so that no rehearsed clock falls outside: server certificates are not what is rehearsed.
// When other names are asked for later, the certificate is made anew below the same CA, so devices keep their CA file.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <openssl/types.h>

#include "registry/model/refusal.h"

namespace latchkey::hub::brokers {

struct ServerNames {
  std::vector<std::string> dns;  // "localhost"
  std::vector<std::string> ip;   // "127.0.0.1"; at least one of the two lists is not empty
};

struct ServerCertificateFiles {
  std::filesystem::path ca_certificate;  // server-ca.pem, 0644: what devices trust
  std::filesystem::path certificate;     // STEM.pem, 0644
  std::filesystem::path key;             // STEM.key, 0600
};

// The CA that several nodes have in common.
struct ServerAuthority {
  std::string certificate_pem;
  std::shared_ptr<EVP_PKEY> key;  // of that certificate
};
// Its certificate, for a key that is new. Empty when OpenSSL fails.
std::string make_server_authority(EVP_PKEY* key);

// Makes in `folder` (created 0700 if it is not there) what is missing or does not cover `names`. One process at a time.
// `stem` is what the certificate's files go by; all share the CA: `shared`, or without one the folder's own.
// kInvalidArgument (no name, an address that is none), kStorage (also: files that do not belong together), kInternal.
registry::Outcome<ServerCertificateFiles> ensure_server_certificate(const std::filesystem::path& folder,
                                                                    const ServerNames& names,
                                                                    const std::string& stem = "server",
                                                                    const ServerAuthority* shared = nullptr);

}  // namespace latchkey::hub::brokers
