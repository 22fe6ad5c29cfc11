import { onScopeDispose, readonly, ref, watch, type Ref } from 'vue';

/** Ours: seen from the corner of an eye, and no flicker where values change all the time. */
const flashMs = 1_200;
const restMs = 3_000;

/** True for a moment after the value changed. */
export function useFlash(value: () => unknown): Readonly<Ref<boolean>> {
  const isFresh = ref(false);
  let lastMs = -Infinity;
  let timer: ReturnType<typeof setTimeout> | undefined;
  watch(value, () => {
    if (performance.now() - lastMs < restMs) return;
    lastMs = performance.now();
    isFresh.value = true;
    timer = setTimeout(() => (isFresh.value = false), flashMs);
  });
  onScopeDispose(() => clearTimeout(timer));
  return readonly(isFresh);
}
