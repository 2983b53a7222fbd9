import { cleanup } from '@testing-library/react'
import { afterEach, expect } from 'vitest'

import { wronglySent } from './server'

// As index.html has it.
document.documentElement.lang = 'en'

afterEach(() => {
  expect(wronglySent(), 'the page asks for what docs/openapi.json has').toEqual([])
  cleanup()
  localStorage.clear()
  window.location.hash = ''
})
