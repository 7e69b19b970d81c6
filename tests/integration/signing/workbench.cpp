// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/signing/workbench.h"

#include <cmath>
#include <ctime>
#include <fstream>
#include <iterator>
#include <sstream>

#include "platform/files/file.h"
#include "platform/openssl/pem.h"

namespace latchkey::tests {
namespace {

Finished run_tool(const char* program, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), program);
  return run(arguments);
}

}  // namespace

std::string Workbench::put(const std::string& name, ByteView content) {
  std::ofstream file(path(name), std::ios::binary);
  file.write(reinterpret_cast<const char*>(content.data()), static_cast<std::streamsize>(content.size()));
  return path(name);
}

std::string Workbench::certificates(const std::string& name, const std::vector<X509*>& certificates) {
  Bytes pem;
  for (X509* certificate : certificates) hub::signing::append(pem, openssl::certificate_to_pem(certificate));
  return put(name, pem);
}

std::string Workbench::key(const std::string& name, EVP_PKEY* key) {
  (void)files::replace_file(path(name), openssl::key_to_pem(key));
  return path(name);
}

std::string Workbench::list(const std::string& name, ByteView der) {
  const std::string binary = put(name + ".der", der);
  (void)openssl({"crl", "-inform", "DER", "-in", binary, "-out", path(name)});
  return path(name);
}

Bytes Workbench::read(const std::string& name) const {
  std::ifstream file(path(name), std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

Finished Workbench::openssl(std::vector<std::string> arguments) {
  return run_tool(LATCHKEY_OPENSSL, std::move(arguments));
}

Finished Workbench::osslsigncode(std::vector<std::string> arguments) {
  return run_tool(LATCHKEY_OSSLSIGNCODE, std::move(arguments));
}

std::string seconds(UnixMs at) { return std::to_string(at / 1000); }

UnixMs printed_time(const std::string& text) {
  static const std::string kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
  std::istringstream words(text);
  std::string month;
  char colon = 0;
  std::tm parts{};
  double second = 0;
  words >> month >> parts.tm_mday >> parts.tm_hour >> colon >> parts.tm_min >> colon >> second >> parts.tm_year;
  const auto place = kMonths.find(month);
  if (!words || month.size() != 3 || place == std::string::npos) return -1;
  parts.tm_mon = static_cast<int>(place / 3);
  parts.tm_year -= 1900;
  return static_cast<UnixMs>(::timegm(&parts)) * 1000 + std::llround(second * 1000);
}

std::string behind(const std::string& text, const std::string& label) {
  const auto at = text.find(label);
  if (at == std::string::npos) return {};
  const auto begin = at + label.size();
  return text.substr(begin, text.find('\n', begin) - begin);
}

}  // namespace latchkey::tests
