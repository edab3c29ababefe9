/** Which peer an SDP comes from: one with another certificate or other ICE credentials is another one. @param {string} sdp */
export function peerOf(sdp) {
  const lines = sdp.match(/^a=(?:fingerprint|ice-ufrag):.*$/gm) ?? [];
  return [...new Set(lines)].join("\n");
}
