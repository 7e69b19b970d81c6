// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/stock_broker.h"

#include <arpa/inet.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <stdexcept>
#include <thread>

namespace latchkey::bench {
namespace {

sockaddr_in address_of(const std::string& host, int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  ::inet_pton(AF_INET, host.c_str(), &address.sin_addr);
  return address;
}

int free_port(const std::string& host) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  auto address = address_of(host, 0);
  socklen_t size = sizeof address;
  const bool found = ::bind(fd, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
                     ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0;
  ::close(fd);
  return found ? ntohs(address.sin_port) : 0;
}

bool listens(const std::string& host, int port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const auto address = address_of(host, port);
  const bool there = ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  ::close(fd);
  return there;
}

void copy_readable(const std::filesystem::path& from, const std::filesystem::path& to) {
  std::filesystem::copy_file(from, to);
  std::filesystem::permissions(to, std::filesystem::perms::owner_read | std::filesystem::perms::others_read |
                                       std::filesystem::perms::group_read);  // the broker drops to a user of its own
}

}  // namespace

StockBroker::StockBroker(const std::string& program, const std::string& host, const Files& files)
    : host_(host), port_(free_port(host)) {
  const auto& path = folder_.path();
  copy_readable(files.server_key, path / "server.key");
  copy_readable(files.server_certificate, path / "server.pem");
  std::ofstream(path / "clients.pem") << files.client_ca_pem;
  std::ofstream configuration(path / "mosquitto.conf");
  configuration << "allow_anonymous false\nset_tcp_nodelay true\npersistence false\nlog_dest stderr\nlog_type error\n"
                << "listener " << port_ << " " << host_ << "\nkeyfile " << (path / "server.key").string()
                << "\ncertfile " << (path / "server.pem").string() << "\ncafile " << (path / "clients.pem").string()
                << "\nrequire_certificate true\nuse_identity_as_username true\n";
  if (!files.crl.empty()) configuration << "crlfile " << files.crl.string() << "\n";
  configuration.close();
  process_ = std::make_unique<tests::Subprocess>(
      std::vector<std::string>{program, "-c", (path / "mosquitto.conf").string()}, path / "log");
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!listens(host_, port_)) {
    if (!process_->running() || std::chrono::steady_clock::now() > end) {
      throw std::runtime_error("the stock broker does not serve:\n" + tests::read_text(path / "log"));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

void write_crl(const tests::TestCa& ca, std::size_t entries, const std::filesystem::path& file) {
  const std::unique_ptr<X509_CRL, void (*)(X509_CRL*)> crl(X509_CRL_new(), X509_CRL_free);
  const std::unique_ptr<ASN1_TIME, void (*)(ASN1_STRING*)> now(X509_gmtime_adj(nullptr, -60), ASN1_STRING_free);
  const std::unique_ptr<ASN1_TIME, void (*)(ASN1_STRING*)> tomorrow(X509_gmtime_adj(nullptr, 86'400), ASN1_STRING_free);
  X509_CRL_set_version(crl.get(), 1);
  X509_CRL_set_issuer_name(crl.get(), X509_get_subject_name(ca.certificate.get()));
  X509_CRL_set1_lastUpdate(crl.get(), now.get());
  X509_CRL_set1_nextUpdate(crl.get(), tomorrow.get());
  const std::unique_ptr<ASN1_INTEGER, void (*)(ASN1_STRING*)> serial(ASN1_INTEGER_new(), ASN1_STRING_free);
  for (std::size_t i = 0; i < entries; ++i) {
    ASN1_INTEGER_set_uint64(serial.get(), 0x4000'0000'0000'0000u + i * 7919);
    X509_REVOKED* revoked = X509_REVOKED_new();
    X509_REVOKED_set_serialNumber(revoked, serial.get());
    X509_REVOKED_set_revocationDate(revoked, now.get());
    X509_CRL_add0_revoked(crl.get(), revoked);
  }
  X509_CRL_sort(crl.get());
  const std::unique_ptr<BIO, int (*)(BIO*)> out(BIO_new_file(file.c_str(), "w"), BIO_free);
  if (X509_CRL_sign(crl.get(), ca.key.get(), EVP_sha256()) == 0 || out == nullptr ||
      PEM_write_bio_X509_CRL(out.get(), crl.get()) != 1) {
    throw std::runtime_error("cannot write " + file.string());
  }
}

}  // namespace latchkey::bench
