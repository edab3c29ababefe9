/** @import { Hint } from "../models/shapes.js" */

/**
 * Microphones, cameras, screens: opening them, and saying plainly why one could not be opened.
 *
 * @typedef {"refused" | "missing" | "busy" | "insecure" | "failed"} Trouble
 */

/** A device could not be opened. `trouble` says why, for the person. */
export class DeviceError extends Error {
  /** @param {Trouble} trouble @param {unknown} [cause] */
  constructor(trouble, cause) {
    super(trouble, { cause });
    this.name = "DeviceError";
    this.trouble = trouble;
  }
}

/** @type {Record<string, Trouble>} the names of W3C Media Capture, 10.2 */
const TROUBLES = {
  NotAllowedError: "refused",
  SecurityError: "refused",
  NotFoundError: "missing",
  OverconstrainedError: "missing",
  NotReadableError: "busy",
  AbortError: "busy",
};

/** 720p is what a face needs and an office line carries. */
const PICTURE = { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30, max: 30 } };
const SOUND = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
/** Text needs sharp pictures, not many. @type {Record<Hint, number>} */
const SCREEN_FRAMERATES = { detail: 15, motion: 30 };

/** @param {string} deviceId the one chosen before; another is taken when it is gone, or for "" */
export async function openMicrophone(deviceId) {
  return (await open({ audio: { ...SOUND, ...wish(deviceId) } })).getTracks()[0];
}

/** @param {string} deviceId the one chosen before; another is taken when it is gone, or for "" */
export async function openCamera(deviceId) {
  return (await open({ video: { ...PICTURE, ...wish(deviceId) } })).getTracks()[0];
}

/** Both with one question to the person: microphone, camera. @param {string} microphoneId @param {string} cameraId */
export async function openBoth(microphoneId, cameraId) {
  const stream = await open({
    audio: { ...SOUND, ...wish(microphoneId) },
    video: { ...PICTURE, ...wish(cameraId) },
  });
  return [...stream.getAudioTracks(), ...stream.getVideoTracks()];
}

/** @param {Hint} hint @returns {MediaTrackConstraints} */
export function screenConstraints(hint) {
  return { frameRate: { ideal: SCREEN_FRAMERATES[hint], max: 30 } };
}

/** The screen the person picks, with its sound where the browser gives it. Throws DeviceError. @param {Hint} hint @returns {Promise<MediaStreamTrack[]>} */
export async function openScreen(hint) {
  if (!navigator.mediaDevices?.getDisplayMedia) throw new DeviceError("missing");
  try {
    const stream = await navigator.mediaDevices.getDisplayMedia({
      video: screenConstraints(hint),
      audio: true,
    });
    return stream.getTracks();
  } catch (error) {
    throw deviceError(error);
  }
}

/** What is plugged in, by kind. Names are empty until the person has allowed one device of the kind. */
export async function listDevices() {
  const devices = (await navigator.mediaDevices?.enumerateDevices()) ?? [];
  const of = (/** @type {MediaDeviceKind} */ kind) =>
    devices.filter((device) => device.kind === kind && device.deviceId !== "");
  return { microphones: of("audioinput"), cameras: of("videoinput"), speakers: of("audiooutput") };
}

/** @param {unknown} error */
export function deviceError(error) {
  if (error instanceof DeviceError) return error;
  const name = error instanceof Error || error instanceof DOMException ? error.name : "";
  return new DeviceError(TROUBLES[name] ?? "failed", error);
}

/** @param {MediaStreamConstraints} constraints @returns {Promise<MediaStream>} */
async function open(constraints) {
  if (!navigator.mediaDevices) throw new DeviceError("insecure");
  try {
    return await navigator.mediaDevices.getUserMedia(constraints);
  } catch (error) {
    throw deviceError(error);
  }
}

/** @param {string} deviceId */
function wish(deviceId) {
  return deviceId ? { deviceId: { ideal: deviceId } } : {};
}
