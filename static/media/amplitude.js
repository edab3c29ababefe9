/**
 * The amplitude that an analyser hears now (root mean square), on the linear 0..1 scale that WebRTC's audioLevel has
 * too.
 * @param {AnalyserNode} analyser
 * @param {Float32Array<ArrayBuffer>} samples room for what is measured, used anew each time
 */
export function amplitude(analyser, samples) {
  analyser.getFloatTimeDomainData(samples);
  const energy = samples.reduce((sum, sample) => sum + sample * sample, 0);
  return Math.sqrt(energy / samples.length);
}
