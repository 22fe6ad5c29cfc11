import { defineConfig } from 'vitest/config';
import vue from '@vitejs/plugin-vue';

// Three projects: "unit" sits beside its file, "flow" runs the whole program, "interop" meets foreign peers.
export default defineConfig({
  plugins: [vue()],
  test: {
    maxWorkers: 2,
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: [
            '{api,proof,native,gateway,lab,renderer,scripts,bin}/**/*.test.ts',
            'test/*.test.ts',
            'test/vectors/**/*.test.ts',
          ],
          testTimeout: 20_000,
        },
      },
      {
        extends: true,
        test: { name: 'flow', include: ['test/flow/**/*.test.ts'], testTimeout: 240_000, hookTimeout: 60_000 },
      },
      {
        extends: true,
        test: { name: 'interop', include: ['test/interop/**/*.test.ts'], testTimeout: 60_000, hookTimeout: 60_000 },
      },
    ],
  },
});
