# Template of the Homebrew formula: `cargo xtask dist` fills in @VERSION@ and the checksum of what it built; whoever publishes
# fills in @DOWNLOADS@ and the checksums of the other targets.
class Watcher < Formula
  desc "Which process on this machine sent how many bytes to whom, exactly"
  homepage "@DOWNLOADS@"
  version "@VERSION@"
  license any_of: ["MIT", "Apache-2.0"]

  on_macos do
    url "@DOWNLOADS@/watcher-@VERSION@-aarch64-apple-darwin.tar.gz"
    sha256 "@SHA256_AARCH64_APPLE_DARWIN@"
  end

  on_linux do
    url "@DOWNLOADS@/watcher-@VERSION@-x86_64-unknown-linux-musl.tar.gz"
    sha256 "@SHA256_X86_64_UNKNOWN_LINUX_MUSL@"
  end

  def install
    bin.install "watcher"
    man1.install Dir["man/*.1"]
    bash_completion.install "completions/watcher.bash" => "watcher"
    zsh_completion.install "completions/_watcher"
    fish_completion.install "completions/watcher.fish"
  end

  service do
    run [opt_bin/"watcher", "run"]
    keep_alive true
    require_root true
    error_log_path var/"log/watcher.log"
  end

  test do
    assert_match version.to_s, shell_output("#{bin}/watcher version")
  end
end
