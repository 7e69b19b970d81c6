// SPDX-License-Identifier: Apache-2.0
#include "hub/cli/https_client.h"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <fstream>
#include <iterator>

#include "hub/cli/internal/exchange.h"

namespace latchkey::hub::cli {

namespace asio = boost::asio;
namespace beast = boost::beast;
using Tcp = asio::ip::tcp;

namespace {

constexpr auto kConnectTimeout = std::chrono::seconds(30);
constexpr std::size_t kTokenMax = 4096;
constexpr std::string_view kScheme = "https://";

struct Place {
  std::string authority;  // "127.0.0.1:8443"
  std::string host;       // without the brackets of IPv6
  std::string port = "443";
};

Result<Place, Failure> parse_url(std::string url) {
  const auto bad = [&url] {
    return fail(Failure{kExitBadInput, "--endpoint is https://HOST[:PORT], not '" + url + "'"});
  };
  if (!url.starts_with(kScheme)) return bad();
  Place place;
  place.authority = url.substr(kScheme.size());
  while (place.authority.ends_with('/')) place.authority.pop_back();
  const auto close = place.authority.find(']');
  const auto colon = place.authority.find(':', close == std::string::npos ? 0 : close);
  place.host = place.authority.substr(0, colon);
  if (colon != std::string::npos) place.port = place.authority.substr(colon + 1);
  if (place.host.starts_with('[') && place.host.ends_with(']'))
    place.host = place.host.substr(1, place.host.size() - 2);
  const bool number = !place.port.empty() && place.port.find_first_not_of("0123456789") == std::string::npos;
  if (place.host.empty() || !number || place.authority.find_first_of("/?#@ ") != std::string::npos) return bad();
  return place;
}

Result<std::string, Failure> read_token(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  if (!in || text.size() > kTokenMax) return fail(Failure{kExitBadInput, "the token file " + file + " cannot be read"});
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string::npos) return fail(Failure{kExitBadInput, "the token file " + file + " is empty"});
  text = text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
  if (text.find_first_of(" \t\r\n") != std::string::npos) {
    return fail(Failure{kExitBadInput, "the token file " + file + " holds more than a token"});
  }
  return text;
}

class HttpsApi : public Api {
 public:
  HttpsApi(Place place, std::string token, asio::ssl::context context)
      : place_(std::move(place)), token_(std::move(token)), context_(std::move(context)) {}

  Result<Reply, Failure> exchange(const std::string& method, const std::string& target,
                                  const std::string& body) override {
    try {
      return talk(method, target, body);
    } catch (const std::exception& error) {
      return fail(Failure{kExitOurFault, std::string("the request failed: ") + error.what()});
    }
  }

 private:
  using Stream = asio::ssl::stream<beast::basic_stream<Tcp>>;

  Result<Reply, Failure> talk(const std::string& method, const std::string& target, const std::string& body) {
    LATCHKEY_TRY(path, path_of(target));
    asio::io_context io{1};
    Stream stream(io, context_);
    SSL_set_tlsext_host_name(stream.native_handle(), place_.host.c_str());
    stream.set_verify_callback(asio::ssl::host_name_verification(place_.host));
    if (auto connected = connect(io, stream); !connected) return fail(connected.error());
    return exchange_over(io, stream, {method, path, body, place_.authority, {{"Authorization", "Bearer " + token_}}});
  }

  Result<std::string, Failure> path_of(const std::string& target) const {
    if (target.starts_with('/')) return target;
    const std::string ours = std::string(kScheme) + place_.authority;
    if (target.starts_with(ours + "/")) return target.substr(ours.size());
    return fail(Failure{kExitOurFault, "the hub's answer leads to another server: " + target.substr(0, 200)});
  }

  Result<void, Failure> connect(asio::io_context& io, Stream& stream) {
    beast::error_code error;
    Tcp::resolver resolver(io);
    const auto found = resolver.resolve(place_.host, place_.port, error);
    auto& lowest = beast::get_lowest_layer(stream);
    const auto noted = [&error](beast::error_code result, const auto&...) { error = result; };
    if (!error) {
      lowest.expires_after(kConnectTimeout);
      lowest.async_connect(found, noted);
      io.run();
    }
    if (error) {
      return fail(Failure{kExitTryAgain, "no hub answers at " + place_.authority + ": " + error.message()});
    }
    lowest.expires_after(kConnectTimeout);
    stream.async_handshake(asio::ssl::stream_base::client, noted);
    io.restart();
    io.run();
    if (!error) return {};
    const long verified = SSL_get_verify_result(stream.native_handle());
    const std::string why = verified != X509_V_OK ? X509_verify_cert_error_string(verified) : error.message();
    return fail(Failure{kExitRefused, "no TLS with " + place_.authority + ": " + why});
  }

  const Place place_;
  const std::string token_;
  asio::ssl::context context_;
};

}  // namespace

Result<std::unique_ptr<Api>, Failure> https_api(const HttpsEndpoint& endpoint) {
  LATCHKEY_TRY(place, parse_url(endpoint.url));
  if (endpoint.token_file.empty()) return fail(Failure{kExitBadInput, "--endpoint needs a --token-file"});
  LATCHKEY_TRY(token, read_token(endpoint.token_file));
  asio::ssl::context context(asio::ssl::context::tls_client);
  SSL_CTX_set_min_proto_version(context.native_handle(), TLS1_2_VERSION);
  context.set_verify_mode(asio::ssl::verify_peer);
  beast::error_code error;
  if (endpoint.ca_file.empty()) {
    context.set_default_verify_paths(error);
  } else {
    context.load_verify_file(endpoint.ca_file, error);
  }
  if (error) {
    return fail(Failure{kExitBadInput, "the CA file " + endpoint.ca_file + " cannot be used: " + error.message()});
  }
  return std::unique_ptr<Api>(new HttpsApi(std::move(place), std::move(token), std::move(context)));
}

}  // namespace latchkey::hub::cli
