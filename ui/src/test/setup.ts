import { cleanup } from '@testing-library/react'
import { afterEach } from 'vitest'

// As index.html has it.
document.documentElement.lang = 'en'

afterEach(() => {
  cleanup()
  localStorage.clear()
  window.location.hash = ''
})
