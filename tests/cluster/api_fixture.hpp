#pragma once
// `troupe api` as a process, in front of a node, with curl as its client.
#include "tests/cluster/cluster.hpp"

namespace troupe::test {

/// A node, an API of it, and curl.
class Api {
 public:
  explicit Api(std::vector<std::string> more = {}) : options_(std::move(more)) { start(); }

  void start() {
    std::vector<std::string> words{"api", "--data", data(), "--listen", "127.0.0.1:0"};
    words.insert(words.end(), options_.begin(), options_.end());
    api = std::make_unique<Program>(words, folder() / "api");
    REQUIRE(until([this] { return api->out().ends_with('\n') || api->ended(); }));
    REQUIRE(api->out().starts_with("ready 127.0.0.1:"));
    url_ = "http://" + api->out().substr(6, api->out().size() - 7);
    token = content(data() + "/api.token");
    token.pop_back();
  }

  /// Returns the status of a request with the token. Its body is in the file `body`.
  std::string status(const std::string& path, const std::string& more = "") { return with(token, path, more); }
  /// Does the same with another key.
  std::string with(const std::string& key, const std::string& path, const std::string& more = "") {
    return bare(path, "-H 'Authorization: Bearer " + key + "' " + more);
  }
  /// Does the same without the token.
  std::string bare(const std::string& path, const std::string& more = "") {
    std::filesystem::remove(folder() / "body");  // curl makes no file for an empty body
    const std::string command = "curl -sS --path-as-is -m 60 -o " + (folder() / "body") + " -w '%{http_code}' " + more +
                                " '" + url_ + path + "' >" + (folder() / "status") + " 2>" + (folder() / "curl.err");
    [[maybe_unused]] const int exit = std::system(command.c_str());
    return content(folder() / "status");
  }
  std::string body() const { return content(folder() / "body"); }

  const Folder& folder() const { return cluster.folder; }
  std::string data() const { return cluster.nodes[0]->data; }
  const std::string& url() const { return url_; }

  Cluster cluster{1};
  std::unique_ptr<Program> api;
  std::string token;

 private:
  const std::vector<std::string> options_;
  std::string url_;
};

}  // namespace troupe::test
