/**
 * COSE header labels that BROP uses: RFC 9052 §3.1, RFC 9597 (CWT claims), RFC 9596 (typ), RFC 9942 (receipts), and
 * BROP's own in the private-use range (below −65536), which bind a signature to its chain and place (docs/spec).
 */
export const label = {
  alg: 1,
  crit: 2,
  contentType: 3,
  kid: 4,
  cwtClaims: 15,
  typ: 16,
  receipts: 394,
  vds: 395,
  vdp: 396,
  chain: -70_001,
  protocolVersion: -70_002,
  height: -70_003,
  round: -70_004,
  headerHash: -70_005,
} as const;
