// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/customer_ca.h"

#include <array>
#include <ctime>
#include <fstream>
#include <stdexcept>

#include "tests/support/subprocess.h"

namespace latchkey::tests {
namespace {

// Sections beside "ica" have one fault each.
constexpr const char* kConfiguration = R"(
[ca]
default_ca = plant
[plant]
database = index.txt
serial = serial
new_certs_dir = issued
certificate = root.pem
private_key = root.key
default_md = sha256
default_days = 730
policy = any_name
unique_subject = no
[any_name]
commonName = supplied
[ica]
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, digitalSignature, keyCertSign, cRLSign
extendedKeyUsage = clientAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[no_constraints]
keyUsage = critical, digitalSignature, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[no_usage]
basicConstraints = critical, CA:TRUE, pathlen:0
subjectKeyIdentifier = hash
[no_crl_sign]
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, digitalSignature, keyCertSign
subjectKeyIdentifier = hash
[server_only]
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, digitalSignature, keyCertSign, cRLSign
extendedKeyUsage = serverAuth
subjectKeyIdentifier = hash
[no_key_id]
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, digitalSignature, keyCertSign, cRLSign
subjectKeyIdentifier = none
)";

std::string utc(std::time_t at) {
  std::tm parts{};
  gmtime_r(&at, &parts);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y%m%d%H%M%SZ", &parts);
  return text.data();
}

}  // namespace

std::string days_from_now(int days) { return utc(std::time(nullptr) + static_cast<std::time_t>(days) * 86'400); }

CustomerCa::CustomerCa(std::filesystem::path folder, const std::string& name, int path_length)
    : folder_(std::move(folder)) {
  std::filesystem::create_directories(folder_ / "issued");
  std::ofstream(folder_ / "ca.cnf") << kConfiguration;
  std::ofstream(folder_ / "index.txt") << "";
  std::ofstream(folder_ / "serial") << "1000\n";
  shell(
      "$OPENSSL req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-384 -nodes -keyout root.key -out root.pem -days "
      "7300 " +
      std::string("-subj '/CN=") + name + "' -addext 'basicConstraints=critical,CA:TRUE,pathlen:" +
      std::to_string(path_length) + "' -addext 'keyUsage=critical,keyCertSign,cRLSign'");
}

std::string CustomerCa::shell(const std::string& line) const {
  const auto ran = run({"/bin/sh", "-c", "OPENSSL='" LATCHKEY_OPENSSL "'; cd '" + folder_.string() + "' && " + line});
  if (ran.exit_status != 0) throw std::runtime_error(line + ": " + ran.err + ran.out);
  return ran.out;
}

std::string CustomerCa::sign(const std::filesystem::path& request, const std::string& section,
                             const std::string& options) const {
  return shell("$OPENSSL ca -config ca.cnf -batch -notext -extensions " + section + " -in '" + request.string() +
               "' -out signed.pem " + options + " && cat signed.pem");
}

std::string CustomerCa::sign_for_key(const std::filesystem::path& request,
                                     const std::string& public_key_command) const {
  return shell(public_key_command +
               " > other.pub && $OPENSSL x509 -req -CA root.pem -CAkey root.key -CAcreateserial -days 730 -sha384 "
               "-extfile ca.cnf -extensions ica -force_pubkey other.pub -in '" +
               request.string() + "'");
}

std::string CustomerCa::root() const { return read_text(root_file()); }

}  // namespace latchkey::tests
