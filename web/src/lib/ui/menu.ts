import type { Component } from 'svelte';

/** A line of a menu. */
export interface MenuItem<Id extends string> {
  id: Id;
  label: string;
  icon?: Component<{ size?: number }>;
  danger?: boolean;
  /** The key that does the same. */
  keys?: string;
  /** A line above sets it apart. */
  apart?: boolean;
}

/** Where something stands on the screen. A point has no size. */
export interface Spot {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

interface Size {
  width: number;
  height: number;
}

/** Left of the window's edge at least. */
const EDGE = 8;
const GAP = 4;

/** Below the spot where there is room, else above it; its right edges together, and never out of the window. */
export function placeBeside(at: Spot, box: Size, window: Size): { left: number; top: number } {
  const below = at.bottom + GAP;
  const above = at.top - GAP - box.height;
  const fitsBelow = below + box.height <= window.height - EDGE;
  const wanted = fitsBelow || above < EDGE ? below : above;
  const isPoint = at.left === at.right;
  const left = isPoint ? at.left : at.right - box.width;
  return {
    left: clamp(left, EDGE, window.width - EDGE - box.width),
    top: clamp(wanted, EDGE, window.height - EDGE - box.height),
  };
}

/** The spot of an element. */
export function spotOf(element: Element): Spot {
  const { left, top, right, bottom } = element.getBoundingClientRect();
  return { left, top, right, bottom };
}

function clamp(value: number, least: number, most: number): number {
  return Math.max(least, Math.min(value, most));
}
