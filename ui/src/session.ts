import { createContext, useContext } from 'react'

import type { Session } from './api'

export const SessionContext = createContext<Session>({ name: '', rights: [], csrf: '' })
export const useSession = (): Session => useContext(SessionContext)
