import react from '@vitejs/plugin-react'
import { defineConfig } from 'vitest/config'

// Where a server is while the page is developed: npm run dev, beside npm run mock.
const server = process.env.HALLMARK_URL ?? 'http://127.0.0.1:8137'

export default defineConfig({
  plugins: [react()],
  build: {
    outDir: process.env.HALLMARK_UI_OUT ?? 'dist',
    emptyOutDir: true,
    target: 'es2022',
    // The server's policy allows no data: scripts or styles, and every browser we speak to knows modules.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    manifest: 'manifest.json',
    rollupOptions: {
      output: { manualChunks: { library: ['react', 'react-dom', 'react-dom/client', '@tanstack/react-query', 'wouter'] } },
    },
  },
  server: { proxy: { '/api': server } },
  test: {
    environment: 'jsdom',
    include: ['src/**/*.test.{ts,tsx}'],
    setupFiles: ['src/test/setup.ts'],
    restoreMocks: true,
  },
})
