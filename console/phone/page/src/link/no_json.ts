/**
 * Stands in for protobuf's JSON: the page speaks binary only, and that part of the library is a sixth of what a phone
 * would load. Errors of the protocol are JSON too, but are not read by it.
 */

function none(): never {
  throw new Error("this page reads no messages in JSON");
}

export const fromJson = none;
export const fromJsonString = none;
export const mergeFromJson = none;
export const mergeFromJsonString = none;
export const toJson = none;
export const toJsonString = none;
export const enumToJson = none;
export const enumFromJson = none;
export const isEnumJson = none;
